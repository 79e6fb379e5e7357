"""Python client of the service; speaks HTTP only."""
