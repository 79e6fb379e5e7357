"""Tests of core/presets."""
