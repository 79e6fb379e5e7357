"""Drills: proofs of single promises of the job system, each by a command of its own (`make drill WHAT=power`)."""
