"""Tests of the commands that need the service's own packages."""
