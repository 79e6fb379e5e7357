"""The page to look at: its files, and what the browser may do with them."""
