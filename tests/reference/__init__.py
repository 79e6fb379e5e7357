"""Slow twins: formulas as plain loops, sharing no code with what they check."""
