"""Tests of core/interpolators."""
