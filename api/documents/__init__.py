"""The documents: the site that `make site` builds, as it is served under /docs."""
