"""The contract of the HTTP API: what the committed document says, held against the service."""
