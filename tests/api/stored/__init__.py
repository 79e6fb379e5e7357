"""Tests of what is stored of an experiment, read back."""
