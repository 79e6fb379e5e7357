"""The commands that need the service's own packages, each as a function that returns an exit code."""
