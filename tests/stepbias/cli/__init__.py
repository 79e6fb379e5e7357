"""Tests of the `stepbias` command."""
