"""Small real data sets, what becomes of descent on them, and whether its explanations help."""
