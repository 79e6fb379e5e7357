"""Tests of uploaded data sets."""
