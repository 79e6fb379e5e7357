"""The limit of a run from an iterate, with an estimate of its error and, at depth 2, a proof."""
