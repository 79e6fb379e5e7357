"""Tests of core/completion."""
