"""Tests of processes that are started, watched, restarted and stopped."""
