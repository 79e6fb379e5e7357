"""Numbers that others printed, beside what is computed here: the tables of docs/external-truth.md."""
