"""What is deployed otherwise than by compose."""
