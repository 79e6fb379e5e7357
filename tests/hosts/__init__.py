"""The service on several hosts: a store that speaks TLS, users of few rights, and a network that goes."""
