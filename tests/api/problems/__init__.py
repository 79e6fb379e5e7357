"""Tests of what is refused, and of how that is said."""
