"""Figures of an experiment, drawn by a worker while the request waits."""
