"""A whole experiment in one process."""

from worker.local import LocalExperiment, run_locally

from core.spec.experiment_spec import ExperimentSpec
from jobs.records import Experiment
from jobs.states import ExperimentStatus
from tests.worker.workshop import CONTRADICTORY, spec, undisturbed


def local(experiment_spec: ExperimentSpec) -> LocalExperiment:
    """An experiment run here, whose progress interests nobody."""
    return run_locally(experiment_spec, on_progress=lambda _: None)


def test_the_numbers_are_those_of_the_service() -> None:
    """Summaries and arrays, to the byte."""
    result = local(spec())
    expected = undisturbed(spec())
    assert result.summaries == [run.summary for run in expected if run is not None]
    store, experiment_id = result.context.store, result.experiment.id
    assert [store.run(experiment_id, index) for index in range(6)] == expected


def test_the_end_is_reported() -> None:
    """Once more, however short the experiment: a progress bar ends full."""
    reports: list[Experiment] = []
    result = run_locally(spec(), on_progress=reports.append)
    assert reports[-1] == result.experiment
    assert (reports[-1].status, reports[-1].progress, reports[-1].runs_done) == (ExperimentStatus.SUCCEEDED, 1.0, 6)


def test_analyses_come_one_for_each_data_set() -> None:
    """In the order of the grid."""
    data = {"kind": "sparse_regression", "samples": 5, "dimension": 12, "mean": {"values": [1.0, 5.0]}}
    result = local(spec(scales=(0.1,), step_size=(1e-4,), max_steps=64, data=data))
    steps = [analysis["max_stable_step"] for analysis in result.analyses if analysis is not None]
    assert len(steps) == 2
    assert steps[0] > steps[1] > 0


def test_a_failed_experiment_has_a_reason_and_no_numbers() -> None:
    """The reason of the last attempt; nothing is raised."""
    result = local(spec(step_size={"fractions_of_max_stable": [0.5]}, data=CONTRADICTORY))
    assert result.experiment.status is ExperimentStatus.FAILED
    assert "fractions_of_max_stable" in str(result.experiment.error)
    assert result.summaries == [None] * 3


def test_a_figure_is_drawn() -> None:
    """From what the experiment has stored."""
    assert local(spec()).figure("risk", "png").startswith(b"\x89PNG")
