"""Completion attacked: the limits of random runs against the same runs continued step by step."""
