"""Tests of core/results."""
