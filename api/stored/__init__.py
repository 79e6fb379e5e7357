"""What is stored of an experiment at the moment of a request: its grid and summaries, its arrays, its report."""
