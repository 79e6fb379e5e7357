"""Tests of core/implicit_bias."""
