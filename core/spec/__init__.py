"""The document a user writes, and a number of it that may be swept."""
