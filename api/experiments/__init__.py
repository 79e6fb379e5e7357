"""What belongs to the life of an experiment: its spec, cost and record; wishes, edits, lists, ids cut short."""
