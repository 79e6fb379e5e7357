"""Tests of what runs the service on this machine."""
