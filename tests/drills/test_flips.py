"""The drill of flipped bits, in short, and that it sees what a store without seals would serve."""

import pytest

from jobs.connection import connect
from jobs.redis_store import server
from tests.drills.flips import KINDS, flips


def test_no_flipped_bit_is_believed(empty_valkey_url: str) -> None:
    """One flip of each kind."""
    with connect(empty_valkey_url, patience=10.0) as client:
        findings = flips(client, 1, seed=0)
    assert findings.complaints == []
    assert set(findings.tallies) == set(KINDS)


def test_a_store_without_seals_is_seen_through(empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drill can fail."""
    monkeypatch.setattr(server, "opened", lambda _, stored: stored[8:])
    with connect(empty_valkey_url, patience=10.0) as client:
        assert any("is another" in each for each in flips(client, 6, seed=0, kinds=["document"]).complaints)
