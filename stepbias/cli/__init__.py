"""The `stepbias` command."""
