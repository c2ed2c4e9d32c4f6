"""Benchmarks: what the pipeline costs in wall time, processor time, memory, calls and tokens. Run by hand, not tests."""
