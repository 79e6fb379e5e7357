"""Drills: what is promised of the store, tried out hard."""
