"""Tests of core/figures/layouts."""
