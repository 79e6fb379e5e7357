"""A pytest plugin that writes how long each test took."""

from pathlib import Path

import pytest

from tests.mutants.witnesses import Durations


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to."""
    parser.addoption("--durations-to", type=Path, required=True)


def pytest_configure(config: pytest.Config) -> None:
    """The process that collects the reports writes them."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(config.getoption("--durations-to")))
