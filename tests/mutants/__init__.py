"""Mutants of the numerical core: small faults put in at random, each of which some test must notice."""
