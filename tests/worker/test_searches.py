"""Runs made of several trainings, as jobs: searches for the largest convergent step size, and twins."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.planning.batches import MOST_SMALL_LANES
from core.planning.cost import SECONDS_PER_BATCH
from core.results.result import unpack_arrays
from core.results.variables import VARIABLES
from core.spec.experiment_spec import ExperimentSpec
from core.stability.step_bracket import PROBES
from jobs.states import ExperimentStatus, JobState
from tests.worker.workshop import ALONE, CONTRADICTORY, SetAfter, Workshop, spec, undisturbed

pytestmark = pytest.mark.usefixtures("short_chunks")

BRACKET = {"lower": 0.5, "upper": 1.2, "resolution": 0.05}
SCALES = (0.1, 0.2, 0.3)


def searched(scales: Sequence[float] = SCALES, **changes: Any) -> ExperimentSpec:
    """A search from each α, after a short warm-up."""
    optimizer = {"kind": "gradient_descent", "step_size": {"largest_convergent": BRACKET}, "warmup_steps": 500}
    settings: dict[str, Any] = {"optimizer": optimizer, "max_steps": 5000, "recording": ALONE} | changes
    return spec(scales=scales, **settings)


def twinned(**changes: Any) -> ExperimentSpec:
    """The small sweep, each run with a twin."""
    return spec(recording={"points": 8, "sensitivity": True}, **changes)


@pytest.fixture
def workshop() -> Workshop:
    """Where the batches are trained."""
    return Workshop()


def test_a_search_is_one_run_with_what_it_found(workshop: Workshop) -> None:
    """The step size that converged, the next that did not, and everything else at the former."""
    experiment_id = workshop.done(searched())
    assert workshop.experiment(experiment_id).outcomes == {"converged": 3}
    for summary, run in zip(workshop.summaries(experiment_id), workshop.runs(experiment_id), strict=True):
        found, failing, largest = (summary[name] for name in ("step_size", "first_failing_step", "max_stable_step"))
        assert BRACKET["lower"] * largest <= found < failing <= BRACKET["upper"] * largest
        assert failing / found - 1 <= BRACKET["resolution"] * (1 + 1e-9)
        assert summary["stability_threshold"] == 2 / found
        assert summary["sharpness"] < summary["stability_threshold"]
        assert run is not None
        assert unpack_arrays(run.arrays)["record_step"][-1] == summary["steps"]


def test_what_is_found_is_what_step_sizes_given_one_by_one_show(workshop: Workshop) -> None:
    """The largest that converges, converges by itself; the first that fails, fails."""
    experiment_id = workshop.done(searched((0.2,)))
    (found,) = workshop.summaries(experiment_id)
    given = {"kind": "gradient_descent", "warmup_steps": 500}
    step_sizes = {"values": [found["step_size"], found["first_failing_step"]]}
    plain = workshop.done(searched((0.2,), optimizer=given | {"step_size": step_sizes}))
    converged, failed = workshop.summaries(plain)
    assert converged["outcome"] == "converged" != failed["outcome"]
    assert converged["step_size"] == pytest.approx(found["step_size"], rel=1e-11)


def test_searches_can_be_shut_down_at_any_moment(workshop: Workshop) -> None:
    """Between probes and between rounds, each time with a checkpoint, to the same bytes."""
    experiment_id, job = workshop.plan(searched())
    for looks in (1, 7, 20, 40, 33, 2):
        workshop.perform(job.id, workshop.context(stopping=SetAfter(looks)))
    workshop.work_off()
    (trained,) = workshop.training_jobs(experiment_id)
    assert (trained.state, trained.attempt, trained.failures) == (JobState.SUCCEEDED, 1, 0)
    assert len(workshop.store.checkpoints) == 1 + 6
    assert workshop.runs(experiment_id) == undisturbed(searched())


def test_the_bytes_of_a_search_do_not_depend_on_its_company() -> None:
    """Each by itself, and all together."""
    together, alone = Workshop(), Workshop()
    experiment_id = together.done(searched())
    for scale in SCALES:
        alone.done(searched((scale,)))
    assert alone.store._runs == together.runs_by_key(experiment_id)


def test_a_batch_has_no_more_searches_than_lanes_for_their_probes(workshop: Workshop) -> None:
    """So many as fill a batch of the smallest states."""
    experiment_id = workshop.submit(searched([0.1 + 0.01 * number for number in range(40)]))
    workshop.perform(f"{experiment_id}.plan")
    sizes = [len(job.payload["indices"]) for job in workshop.training_jobs(experiment_id)]
    assert workshop.planned_indices(experiment_id) == list(range(40))
    assert max(sizes) * PROBES <= MOST_SMALL_LANES


def test_the_work_of_a_search_is_that_of_its_probes(workshop: Workshop) -> None:
    """All of them, in two rounds, at full width; a run and its twin are as few lanes as cost what three do."""
    _, plain = workshop.plan(spec(scales=(0.1,), step_size={"fractions_of_max_stable": [0.99]}, max_steps=5000))
    _, search = workshop.plan(searched((0.1,)))
    _, twin = workshop.plan(twinned(scales=(0.1,), step_size={"fractions_of_max_stable": [0.99]}, max_steps=5000))
    alone, probes = (job.work - SECONDS_PER_BATCH for job in (plain, search))
    assert 10 < probes / alone <= 2 * PROBES
    assert plain.work < twin.work < 2 * plain.work


def test_where_nothing_converges_a_search_says_so(workshop: Workshop) -> None:
    """The lowest step size stands for the run, with its outcome, and is the first that fails."""
    bracket = {"lower": 1.1, "upper": 1.2, "resolution": 0.05}
    optimizer = {"kind": "gradient_descent", "step_size": {"largest_convergent": bracket}, "warmup_steps": 500}
    experiment_id = workshop.done(searched((0.1,), optimizer=optimizer))
    (summary,) = workshop.summaries(experiment_id)
    assert summary["outcome"] != "converged"
    assert summary["first_failing_step"] == summary["step_size"] == 1.1 * summary["max_stable_step"]


def test_a_search_without_an_interpolator_fails_the_experiment_with_the_reason(workshop: Workshop) -> None:
    """A sentence that names the field of the spec."""
    experiment_id = workshop.done(searched(data=CONTRADICTORY))
    record = workshop.experiment(experiment_id)
    assert record.status is ExperimentStatus.FAILED
    assert record.error is not None
    assert "largest_convergent has no meaning for this data set" in record.error


def test_a_twin_adds_its_distance_and_changes_nothing_else(workshop: Workshop) -> None:
    """The same summaries but for the sensitivity, which calm runs have small, and the same arrays."""
    calm: dict[str, Any] = {"scales": (0.1, 0.3)}
    plain, with_twins = workshop.done(spec(**calm)), workshop.done(twinned(**calm))
    assert len(workshop.runs(plain)) == len(workshop.summaries(plain)) > 1
    for run, twin in zip(workshop.runs(plain), workshop.runs(with_twins), strict=True):
        assert run is not None
        assert twin is not None
        assert run.arrays == twin.arrays
    for summary, beside in zip(workshop.summaries(plain), workshop.summaries(with_twins), strict=True):
        assert (summary["path"], summary["sensitivity"], summary["twin_outcome"]) == ("smooth", None, None)
        assert summary | {name: beside[name] for name in ("sensitivity", "twin_outcome")} == beside
        assert 0 <= beside["sensitivity"] < 1e-12
        assert beside["twin_outcome"] == beside["outcome"]


@pytest.mark.parametrize("wanted", ["auto", True])
def test_twins_can_be_shut_down_at_any_moment(workshop: Workshop, wanted: Any) -> None:
    """To the same bytes; also those that are trained after the runs that crossed the edge of stability."""
    sweep = spec(recording={"points": 8, "sensitivity": wanted}, step_size=(0.05, 0.11))
    experiment_id, job = workshop.plan(sweep)
    for looks in (3, 11, 5):
        workshop.perform(job.id, workshop.context(stopping=SetAfter(looks)))
    workshop.work_off()
    twins = [summary["twin_outcome"] is not None for summary in workshop.summaries(experiment_id)]
    assert any(twins)
    assert all(twins) is (wanted is True)
    assert workshop.runs(experiment_id) == undisturbed(sweep)


def test_a_search_may_have_a_twin(workshop: Workshop) -> None:
    """Both numbers are there; the search finds the same."""
    both = searched(recording={"points": 8, "sensitivity": True})
    found, plain = (workshop.summaries(workshop.done(each)) for each in (both, searched()))
    assert [summary["step_size"] for summary in found] == [summary["step_size"] for summary in plain]
    assert [summary["first_failing_step"] for summary in found] == [summary["first_failing_step"] for summary in plain]
    assert all(summary["sensitivity"] > 0 for summary in found)


def test_runs_that_are_trained_once_do_without_the_book_keeping(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have neither number, and pay for neither."""
    monkeypatch.setattr("core.experiment.run_batch.Trials", lambda *_: pytest.fail("trials for a plain experiment"))
    experiment_id = workshop.done(spec(recording=ALONE))
    assert {"first_failing_step", "sensitivity"} <= set(VARIABLES)
    for summary in workshop.summaries(experiment_id):
        assert (summary["outcome"], summary["first_failing_step"], summary["sensitivity"]) == ("converged", None, None)


def test_progress_of_a_search_grows_through_its_rounds(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never falls back, is never done before the end, and says something for most of the time."""
    experiment_id, job = workshop.plan(searched())
    seen: list[float] = []
    monkeypatch.setattr("worker.heartbeat.Heartbeat.check", lambda _, fraction: seen.append(fraction))
    workshop.perform(job.id)
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED
    assert seen == sorted(seen)
    assert 0 == seen[0] < seen[len(seen) // 2] < 0.95
    assert 0.3 < seen[-1] < 1
