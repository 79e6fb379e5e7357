"""Diagonal linear networks: θ ↦ β and its derivatives, where they start, and UV as a squared model."""
