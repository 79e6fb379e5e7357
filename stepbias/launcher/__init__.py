"""What runs the service on this machine."""
