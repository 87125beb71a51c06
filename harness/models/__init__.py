"""Backends: everything that answers prompts, one file each."""
