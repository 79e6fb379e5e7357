"""Tests of the most frequent requests."""
