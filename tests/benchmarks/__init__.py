"""Tests of the benchmarks: of what they compute, not of how fast."""
