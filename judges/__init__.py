"""Judges, one file each; `build(rubric, model)` makes one."""
