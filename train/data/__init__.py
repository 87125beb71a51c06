"""Makers of training data, one file each: its `Settings` name a `kind`, its `build` makes examples.

Adding a kind registers nothing: a file of that name is found.
"""
