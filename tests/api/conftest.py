"""One service for each test."""

from collections.abc import Iterator

import pytest

from tests.api.service import Service, service


@pytest.fixture
def api() -> Iterator[Service]:
    """A service with small limits and no worker."""
    one = service(max_runs=100_000, max_data_entries=10_000, max_body_bytes=20_000)
    with one.client:
        yield one
