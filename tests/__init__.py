"""Tests of stepbias."""
