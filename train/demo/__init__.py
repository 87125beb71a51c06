"""The demonstration: a small world of its own, in which everything is scored by program."""
