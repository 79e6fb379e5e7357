"""Faults: the real service is killed, stopped and cut off under load, and nothing clients were told may change."""
