"""The explorer as a document; what it does in a browser is tested in `tests/browser/`."""
