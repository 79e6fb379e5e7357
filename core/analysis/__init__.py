"""What is known of a problem before training, and of a run after it."""
