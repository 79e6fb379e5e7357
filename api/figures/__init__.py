"""Figures: which there are, and how one is asked for."""
