"""Tests of the HTTP interface, against the whole application over the in-memory store."""
