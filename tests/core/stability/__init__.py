"""Tests of core/stability."""
