"""What belongs to the life of an experiment: wishes, edits, lists, ids cut short, answers given once."""
