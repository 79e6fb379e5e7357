"""The verdict itself: what is lost, doubled or different is told, and nothing else is."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import pytest

from jobs.records import StoredRun
from tests.faults.ledger import Entry
from tests.faults.load import Drawn, wishes
from tests.faults.truth import complaints, runs_of

DRAWN: Final = Drawn(kind="inline", scales=(0.5,), seeds=(), name="x")


@pytest.fixture(scope="module")
def truth() -> Mapping[str, StoredRun]:
    """The runs of the spec."""
    return dict(runs_of(DRAWN))


def told(runs: list[StoredRun | None], truth: Mapping[str, StoredRun], **told: Any) -> list[str]:
    """The complaints about an experiment that has stored these runs and says what it is told to, or what is right."""
    there = sum(run is not None for run in runs)
    counts = {"status": "succeeded", "runs_done": there, "outcomes": {"converged": there}} | told
    is_cancelled = bool(counts.pop("is_cancelled", False))
    store: Any = SimpleNamespace(experiment=lambda _: SimpleNamespace(**counts), run=lambda _, index: runs[index])
    entry = Entry(id="x", drawn=DRAWN, accepted_at=0.0, is_cancelled=is_cancelled)
    return [sentence.split(":")[0] for sentence in complaints(entry, store, truth, None)]


def test_what_is_right_is_not_complained_of(truth: Mapping[str, StoredRun]) -> None:
    """Neither whole experiments nor cancelled ones of which some runs are there."""
    first, *others = truth.values()
    assert told([first, *others], truth) == []
    cancelled = {"status": "cancelled", "is_cancelled": True}
    assert told([first, *[None for _ in others]], truth, **cancelled) == []
    assert told([first, *others], truth, runs_done=0, outcomes={}, **cancelled) == []


def test_every_harm_is_told(truth: Mapping[str, StoredRun]) -> None:
    """A bit that differs, a run that is missing, one counted twice, an end that nobody asked for."""
    first, *others = truth.values()
    damaged = replace(first, summary=first.summary[:-1] + bytes([first.summary[-1] ^ 1]))
    assert told([damaged, *others], truth) == ["different"]
    assert told([None, *others], truth) == ["lost"]
    assert told([first, *others], truth, runs_done=len(truth) + 1) == ["doubled"]
    assert told([first, *others], truth, outcomes={"converged": len(truth) - 1}) == ["lost"]
    assert told([first, *others], truth, status="failed") == ["lost"]
    assert told([first, *others], truth, status="cancelled") == ["lost"]


def test_the_same_seed_gives_the_same_wishes() -> None:
    """And another one others."""
    first, second, other = (wishes(seed) for seed in ("1/0", "1/0", "1/1"))
    drawn = [next(first) for _ in range(30)]
    assert drawn == [next(second) for _ in range(30)]
    assert drawn != [next(other) for _ in range(30)]
