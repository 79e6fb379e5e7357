"""The most frequent requests, answered before routes are looked for."""
