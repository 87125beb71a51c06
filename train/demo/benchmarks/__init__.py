"""Benchmarks of the demonstration."""
