"""Benchmarks: each a command that prints a table, on the assistant as people get it."""
