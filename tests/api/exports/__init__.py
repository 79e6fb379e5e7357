"""Tests of results taken out."""
