"""Judges of the demonstration."""
