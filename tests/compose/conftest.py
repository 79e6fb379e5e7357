"""What `docker-compose.yml` says, for the tests that need no containers."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.api.service import Service, service
from tests.compose.deployment import ROOT


@pytest.fixture(scope="session")
def deployed() -> Any:
    """The document, with its anchors in place."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture
def api() -> Iterator[Service]:
    """A service without a worker."""
    one = service()
    with one.client:
        yield one
