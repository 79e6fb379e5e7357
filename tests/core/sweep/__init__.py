"""Tests of core/sweep."""
