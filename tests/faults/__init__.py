"""Faults: processes of the real service are killed in the middle of a sweep, and no number may change."""
