"""The seam between the API and the workers: states, records, ports, the stores and the message sender."""
