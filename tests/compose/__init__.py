"""The docker-compose deployment: what needs no containers is collected by pytest, `make compose-test` runs the drill."""
