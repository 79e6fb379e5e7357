"""The job system in one process and virtual time, in which everything that can go wrong does, by a seed."""
