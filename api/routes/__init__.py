"""The routes: each parses, calls, returns."""
