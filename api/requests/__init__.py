"""What a request brings: its body, its query, and the places that its path names."""
