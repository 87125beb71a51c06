"""Benchmarks, one file or folder each; a benchmark's name is a promise to follow its protocol."""
