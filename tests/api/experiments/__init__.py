"""Tests of the life of an experiment."""
