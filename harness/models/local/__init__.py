"""What it takes to run a checkpoint in this process: its files, template, network and sampling."""
