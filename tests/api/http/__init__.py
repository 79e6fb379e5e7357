"""Tests of how requests and answers travel."""
