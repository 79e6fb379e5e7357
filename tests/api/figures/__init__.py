"""Tests of figures that are asked for."""
