"""Regression problems: drawn ones, users' own, and the row space that both have."""
