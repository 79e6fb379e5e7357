"""Results as files: tables and labelled arrays in every format, made piece by piece of the runs in slices."""
