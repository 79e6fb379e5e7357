"""What the service promises: the OpenAPI document, the schema of the spec, examples, and the page that shows them."""
