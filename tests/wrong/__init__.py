"""Specs and files that are wrong, and what is said of them."""
