"""The grid of runs that a spec asks for, and its arrangement in a figure."""
