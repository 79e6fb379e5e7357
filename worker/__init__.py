"""Turns a job's id into stored results."""
