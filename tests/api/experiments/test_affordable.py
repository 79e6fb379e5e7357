"""Experiments that are predicted to cost more than a deployment takes."""

from dataclasses import replace

import pytest

from api.experiments.estimate import estimated, require_affordable
from api.problems.request_errors import OverLimit
from core.spec.experiment_spec import ExperimentSpec
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS, assert_problem, service, spec
from tests.reference.memory_store import MemoryStore

SPEC = ExperimentSpec.model_validate(spec())


def _refusal(settings: Settings) -> str:
    with pytest.raises(OverLimit) as caught:
        require_affordable(SPEC, store=MemoryStore(settings), settings=settings)
    return str(caught.value)


def test_the_limits_are_named_with_what_was_predicted() -> None:
    """Seconds of one core, bytes in the store, and bytes of memory."""
    found = estimated(SPEC, store=MemoryStore(Settings()), settings=Settings())
    by_time = _refusal(Settings(max_seconds=found.predicted_seconds / 2))
    assert f"{found.predicted_seconds:.3g} s" in by_time
    assert f"{found.predicted_seconds / 2:.3g} s" in by_time
    by_room = _refusal(Settings(max_stored_bytes=found.bytes / 2))
    assert f"{found.bytes / 1e9:.3g} GB" in by_room
    assert f"{found.runs} runs" in by_room
    by_memory = _refusal(Settings(max_memory_bytes=found.memory / 2))
    assert f"{found.memory / 1e9:.3g} GB of memory" in by_memory
    assert f"at most {found.memory / 2e9:.3g} GB" in by_memory
    # What no process may take is not begun, whatever else is said.
    assert _refusal(Settings(process_memory_bytes=int(found.memory) // 2)) == by_memory


def test_no_more_is_taken_than_the_store_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be full before the end, and stay so."""
    store, settings = MemoryStore(Settings()), Settings()
    found = estimated(SPEC, store=store, settings=settings)
    gauges = replace(store.gauges(), memory_limit=int(found.bytes) - 1)
    monkeypatch.setattr(store, "gauges", lambda: gauges)
    with pytest.raises(OverLimit, match=f"at most {gauges.memory_limit / 1e9:.3g} GB are taken"):
        require_affordable(SPEC, store=store, settings=settings)
    monkeypatch.setattr(store, "gauges", lambda: replace(gauges, memory_limit=int(found.bytes) + 1))
    assert require_affordable(SPEC, store=store, settings=settings) == found


def test_what_costs_no_more_is_taken() -> None:
    """Up to the limits themselves."""
    found = estimated(SPEC, store=MemoryStore(Settings()), settings=Settings())
    settings = Settings(
        max_seconds=found.predicted_seconds, max_stored_bytes=found.bytes, max_memory_bytes=found.memory
    )
    assert require_affordable(SPEC, store=MemoryStore(settings), settings=settings) == found


def test_submission_and_estimate_refuse_alike() -> None:
    """422 with both numbers, and nothing is recorded."""
    known = estimated(SPEC, store=MemoryStore(Settings()), settings=Settings())
    for limit in (
        {"max_seconds": known.predicted_seconds / 2},
        {"max_stored_bytes": known.bytes / 2},
        {"max_memory_bytes": known.memory / 2},
        {"max_runs": 1},
    ):
        one = service(**limit)
        with one.client:
            refusals = [
                assert_problem(one.post(spec(), path), 422) for path in (EXPERIMENTS, f"{EXPERIMENTS}/estimate")
            ]
        assert {refusal["type"] for refusal in refusals} == {"urn:stepbias:problem:over-limit"}
        assert refusals[0]["detail"] == refusals[1]["detail"]
        assert one.store.experiments().experiments == ()
