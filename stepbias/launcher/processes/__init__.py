"""Processes that are started, watched, restarted and stopped, and what they write."""
