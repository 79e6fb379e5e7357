"""Results taken out: which format is asked for, and the bytes of each, made piece by piece."""
