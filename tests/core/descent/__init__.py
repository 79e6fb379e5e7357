"""Tests of core/descent."""
