"""Clients that others generate from the committed document."""
