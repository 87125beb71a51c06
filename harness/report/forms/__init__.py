"""A story in the forms that people and programs read."""
