"""The variables of results, the labelled array of all runs, and curves through it."""
