"""What it takes to ask a server many things at once, and to keep one of our own."""
