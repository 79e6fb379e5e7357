"""Deployments for clusters, held to the service that they run."""
