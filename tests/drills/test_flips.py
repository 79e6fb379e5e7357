"""The drill of flipped bits, in short, and that it sees what a store without seals would serve."""

import re

import pytest

from jobs.connection import connect
from jobs.redis_store import server
from tests.drills.flips import KINDS, Patient, flips


def test_no_flipped_bit_is_believed(empty_valkey_url: str) -> None:
    """One flip of each kind."""
    with connect(empty_valkey_url, patience=10.0) as client:
        findings = flips(client, 1, seed=0)
    assert findings.complaints == []
    assert set(findings.tallies) == set(KINDS)


def test_every_key_is_of_some_kind(empty_valkey_url: str) -> None:
    """The drill leaves no key of the store alone."""
    with connect(empty_valkey_url, patience=10.0) as client:
        Patient(client)
        names = [name.decode().removeprefix("stepbias:") for name in client.scan_iter()]
    strangers = [name for name in names if not any(re.fullmatch(kind, name) for kind in KINDS.values())]
    assert strangers == []
    assert all(any(re.fullmatch(kind, name) for name in names) for kind in KINDS.values())


def test_a_store_without_seals_is_seen_through(empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drill can fail."""
    monkeypatch.setattr(server, "opened", lambda _, stored: stored[8:])
    with connect(empty_valkey_url, patience=10.0) as client:
        assert any("is another" in each for each in flips(client, 6, seed=0, kinds=["document"]).complaints)
