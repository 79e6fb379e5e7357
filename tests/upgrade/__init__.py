"""One version of the numbers after another, and beside it, on one store."""
