"""The docker-compose deployment: pytest collects what needs no containers, `make compose-test` runs the drill."""
