"""The page: its files."""
