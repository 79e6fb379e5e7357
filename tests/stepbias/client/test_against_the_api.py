"""The client and the API agree: nothing between them is imitated here but the server and the worker's process."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stepbias import Client, ExperimentHandle, ProblemError
from tests.stepbias.client.living_service import LivingService, living_service, small_spec


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file."""
    with living_service() as service:
        yield service


@pytest.fixture(scope="module")
def client(service: LivingService) -> Iterator[Client]:
    """A client of it."""
    with Client(service.url) as client:
        yield client


@pytest.fixture(scope="module")
def finished(service: LivingService, client: Client) -> ExperimentHandle:
    """The small experiment, finished."""
    handle = client.submit(small_spec())
    with service.at_work():
        handle.wait(timeout=60)
    return handle


def test_an_experiment_is_handed_in_and_waited_for(finished: ExperimentHandle) -> None:
    """Its record is complete: counts, outcomes, times."""
    record = finished.experiment
    assert (record.status, record.runs_total, record.runs_done, record.progress) == ("succeeded", 6, 6, 1.0)
    assert sum(record.outcomes.values()) == 6
    assert (record.name, record.tags, record.error) == ("small", ("test",), None)
    assert record.created_at is not None
    assert record.finished_at is not None


def test_an_estimate_knows_what_has_been_analysed(client: Client, finished: ExperimentHandle) -> None:
    """The largest stable step is that of the stored analysis; of another seed it is guessed at."""
    assert finished.status == "succeeded"
    found = client.estimate(small_spec())
    assert (found["runs"], found["problems"], found["batches"]) == (6, 1, 1)
    assert found["max_stable_steps"] == {"known": 1, "guessed": 0, "unknown": 0}
    other = small_spec()
    other["data"] = other["data"] | {"seed": 12345}
    assert client.estimate(other)["max_stable_steps"] == {"known": 0, "guessed": 1, "unknown": 0}


def test_the_same_spec_is_the_same_experiment(client: Client, finished: ExperimentHandle) -> None:
    """From a document as from nothing more than its id."""
    assert client.submit(small_spec()).id == finished.id
    assert client.experiment(finished.id).experiment == finished.experiment


def test_every_run_is_read(finished: ExperimentHandle) -> None:
    """In the order of the grid, with coordinates and summary."""
    runs = list(finished.runs())
    assert [run["index"] for run in runs] == list(range(6))
    assert [run["coordinates"]["init_scale"] for run in runs] == [0.1, 0.1, 0.3, 0.3, 1.0, 1.0]
    assert all(run["summary"]["init_scale"] == run["coordinates"]["init_scale"] for run in runs)


def test_the_analysis_of_the_data_set_is_read(finished: ExperimentHandle) -> None:
    """One data set, and the largest stable step that its runs report."""
    (entry,) = finished.analysis()
    assert entry["analysis"]["max_stable_step"] == next(finished.runs())["summary"]["max_stable_step"]


def test_one_run_is_read(finished: ExperimentHandle) -> None:
    """The row of the list; an index that there is not is a problem."""
    assert [finished.run(index) for index in range(6)] == list(finished.runs())
    with pytest.raises(ProblemError, match="runs of this experiment are 0 to 5") as caught:
        finished.run(6)
    assert caught.value.status == 404


def test_a_trajectory_is_read_as_numbers(finished: ExperimentHandle) -> None:
    """Every curve has one number a record, NaN of a run that diverged; the last one is that of the summary."""
    runs = list(finished.runs())
    assert len(runs) == 6
    for run in runs:
        trajectory = finished.trajectory(run["index"])
        steps = np.asarray(trajectory.record_step)
        assert (steps.dtype.kind, steps[-1]) == ("i", run["summary"]["steps"])
        if run["summary"]["outcome"] == "converged":  # a run that diverged did so while the step size warmed up
            assert trajectory.stability_threshold[-1] == run["summary"]["stability_threshold"]
        for curve in trajectory.curves.values():
            assert (np.asarray(curve).dtype, np.asarray(curve).shape) == (np.float64, steps.shape)
        risk = run["summary"]["iterate_excess_risk"]
        last = math.nan if risk is None else risk
        assert trajectory.curves["excess_risk"][-1] == pytest.approx(last, rel=1e-6, nan_ok=True)
        assert trajectory.attrs["run"] == run["index"]


def test_arrays_are_read_and_saved(finished: ExperimentHandle, tmp_path: Path) -> None:
    """The file has the numbers of the lists, to the bit, and needs no pickle."""
    arrays = finished.arrays(2)
    with np.load(finished.save_arrays(2, tmp_path / "two.npz"), allow_pickle=False) as file:
        assert {name: file[name].tolist() for name in file} == arrays
    norm = float(np.abs(arrays["predictor"]).sum())
    assert norm == pytest.approx(finished.run(2)["summary"]["l1_norm"], rel=1e-14)


def test_data_and_interpolators_are_read(finished: ExperimentHandle) -> None:
    """Of the only problem there is; each of them solves Xβ = y."""
    data, found = finished.data(), finished.interpolators()
    assert {"min_l1", "min_l2", "flattest"} <= found.keys()
    for predictor in found.values():
        np.testing.assert_allclose(np.asarray(data["X"]) @ predictor, data["y"], rtol=1e-8)
    with pytest.raises(ProblemError, match="problems of this experiment are 0 to 0"):
        finished.interpolators(1)


def test_results_are_a_labelled_array(finished: ExperimentHandle) -> None:
    """Dimensions are the axes of the grid, and the numbers those of the runs."""
    results = finished.results()
    assert results["dims"] == {"init_scale": 3, "step_size_fraction": 2}
    assert results["coords"]["init_scale"]["data"] == [0.1, 0.3, 1.0]
    summaries = [run["summary"] for run in finished.runs()]
    risks = [risk for row in results["data_vars"]["excess_risk"]["data"] for risk in row]
    assert risks == [summary["excess_risk"] for summary in summaries]


def test_curves_are_read_and_refused_by_the_parameter(finished: ExperimentHandle) -> None:
    """A question that makes no sense names the parameter at fault."""
    assert finished.curves(y="excess_risk")
    with pytest.raises(ProblemError) as caught:
        finished.curves(y="happiness")
    assert caught.value.status == 422
    assert [error.parameter for error in caught.value.errors] == ["y"]


def test_a_figure_is_drawn(service: LivingService, finished: ExperimentHandle) -> None:
    """In the format that was asked for."""
    with service.at_work():
        assert finished.figure("risk", "png").startswith(b"\x89PNG")
        assert b"<svg" in finished.figure("risk", "svg")


def test_a_figure_is_drawn_as_it_is_asked_for(service: LivingService, finished: ExperimentHandle) -> None:
    """In a style and a size, of a part of the experiment; its words and numbers are those of the same figure."""
    with service.at_work():
        figure = finished.figure("risk", style="dark", size=(4, 3), dpi=50, y_range=(1e-3, None))
        coordinates = finished.results()["coords"]["init_scale"]["data"]
        part = finished.figure("predictor", where={"init_scale": coordinates[0]})
        runs = finished.figure("predictor", runs=[1])
        assert figure.csv.splitlines()[0] == "panel,series,x,y,lo,hi,value"
        assert len(figure.csv.splitlines()) > 2
        assert f"1 of the {len(set(coordinates))} values of initialisation scale α" in part.alt
        assert "shown: 1 of" in runs.alt
    width, height = (int.from_bytes(figure[place : place + 4], "big") for place in (16, 20))
    assert (width, height) == (200, 150)
    with pytest.raises(ProblemError, match="style"):
        finished.figure("risk", style="neon")


def test_an_unknown_experiment_is_a_problem(client: Client) -> None:
    """With the status and the sentence of the service."""
    with pytest.raises(ProblemError, match="no experiment of that id") as caught:
        client.experiment("nobody")
    assert caught.value.status == 404


def test_an_invalid_spec_is_pointed_at(client: Client, tmp_path: Path) -> None:
    """A file travels as it is, and what is wrong in it comes back with its place."""
    file = tmp_path / "spec.json"
    file.write_text('{"name": 3}')
    with pytest.raises(ProblemError) as caught:
        client.submit(file)
    assert caught.value.status == 422
    assert "/name" in {error.pointer for error in caught.value.errors}


def test_experiments_are_listed_page_by_page(client: Client, finished: ExperimentHandle) -> None:
    """Newest first, however small the pages."""
    newer = [client.submit(small_spec(name=f"listed {number}")).id for number in range(3)]
    found = [handle.id for handle in client.experiments(page_size=2)]
    assert found == [*reversed(newer), finished.id]
    assert [handle.id for handle in client.experiments(status="succeeded", tag="test")] == [finished.id]


def test_cancelling_ends_an_experiment_that_nobody_works_on(client: Client) -> None:
    """And only a failed one is retried."""
    handle = client.submit(small_spec(name="to be cancelled"))
    assert handle.cancel().is_finished
    assert handle.refresh().status == "cancelled"
    with pytest.raises(ProblemError, match="Only a failed experiment can be retried"):
        handle.retry()


def test_what_has_changed_since_it_was_seen_is_left_alone(client: Client, finished: ExperimentHandle) -> None:
    """And what has not is changed."""
    finished.refresh()
    seen = finished.etag
    assert finished.edit(notes="seen", if_match=seen).notes == "seen"
    for act in (lambda: finished.edit(notes="lost", if_match=seen), lambda: finished.delete(if_match=seen)):
        with pytest.raises(ProblemError) as refused:
            act()
        assert refused.value.status == 412
    again = client.experiment(finished.id)
    assert again.edit(notes="", if_match=again.etag).notes == ""


def test_presets_are_accepted_as_they_are(client: Client) -> None:
    """What the service offers, it takes."""
    assert "figure-1" in {preset["name"] for preset in client.presets()}
    spec = client.preset("figure-1", size="demo")
    assert client.submit(spec).experiment.runs_total > 1


def test_the_service_says_what_it_is(client: Client) -> None:
    """The version decides which numbers are comparable."""
    assert {"version", "numerics_version"} <= client.version().keys()
