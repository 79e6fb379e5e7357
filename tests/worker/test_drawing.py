"""What a figure is drawn from: everything that is stored of an experiment, and nothing that is not."""

import gc
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from core.errors import InvalidData
from core.figures.layouts.catalogue import suitable
from core.results.result import decode_summary, unpack_arrays
from core.sweep.grid import Grid
from jobs.document_keys import figure_error_key
from jobs.errors import StoreUnavailable
from jobs.records import FigureRequest
from tests.worker.workshop import PROBLEM, SETTINGS, Workshop, spec
from worker.drawing import ERROR_SECONDS, KEPT_SECONDS, draw_figure, draw_next, stored_results

SPARSE = {"kind": "sparse_regression", "samples": {"values": [3, 5]}, "dimension": 8, "sparsity": 2}
DEEP: dict[str, Any] = {"model": {"kind": "diagonal", "depth": {"values": [2, 3]}}}


@pytest.fixture
def workshop() -> Workshop:
    """A store and a worker."""
    return Workshop()


def test_a_figure_has_every_stored_run_with_its_arrays(workshop: Workshop) -> None:
    """And None for a run that is not stored yet."""
    experiment_id = workshop.submit(spec())
    workshop.perform(f"{experiment_id}.plan")
    nothing = stored_results(workshop.context(), experiment_id)
    assert list(nothing.summaries) == [None] * 6
    assert nothing.arrays(0) is None
    workshop.work_off()
    results = stored_results(workshop.context(), experiment_id)
    for index in range(6):
        stored = workshop.store.run(experiment_id, index)
        assert stored is not None
        assert results.summaries[index] == decode_summary(stored.summary)
        arrays = results.arrays(index)
        assert arrays is not None
        expected = unpack_arrays(stored.arrays)
        assert arrays.keys() == expected.keys()
        assert all(np.array_equal(arrays[name], expected[name], equal_nan=True) for name in expected)


def test_a_figure_has_the_analysis_of_each_problem_under_its_key(workshop: Workshop) -> None:
    """Two depths of one data set are two problems."""
    experiment_id = workshop.submit(spec(scales=(0.3,), step_size=(0.02,), max_steps=64, **DEEP))
    workshop.perform(f"{experiment_id}.plan")
    results = stored_results(workshop.context(), experiment_id)
    depths = {run.problem_key: run.network.degree for run in results.grid.runs()}
    assert {key: analysis.depth for key, analysis in results.analyses.items()} == depths
    assert len(depths) == 2


def test_a_figure_has_the_true_predictor_of_the_data_set_if_there_is_one(workshop: Workshop) -> None:
    """Of user data only where the user gave it."""
    truth = [1.0, 0.0, -2.0, 0.0]
    for data, expected in ((PROBLEM, None), (PROBLEM | {"true_predictor": truth}, truth)):
        results = stored_results(workshop.context(), workshop.submit(spec(data=data)))
        found = results.true_predictor(0)
        assert (None if found is None else found.tolist()) == expected
    results = stored_results(workshop.context(), workshop.submit(spec(data=SPARSE)))
    found = results.true_predictor(len(results.grid) - 1)
    assert found is not None
    assert found.tolist() == pytest.approx([1 / np.sqrt(2)] * 2 + [0] * 6)


@pytest.mark.parametrize("parts", [{}, {"data": SPARSE}, DEEP], ids=["user data", "sparse regression", "depths"])
def test_every_figure_that_suits_an_experiment_is_drawn_of_it(workshop: Workshop, parts: dict[str, Any]) -> None:
    """Whatever its runs came to."""
    experiment = spec(scales=(0.1, 1.0), step_size=(0.002, 0.05), max_steps=2000, **parts)
    experiment_id = workshop.submit(experiment)
    workshop.work_off()
    names = suitable(Grid(experiment))
    assert {"risk", "stability", "trajectory"} <= set(names)
    for name in names:
        assert b"<svg" in draw_figure(workshop.context(), experiment_id, name, "svg")


def request(experiment_id: str) -> FigureRequest:
    """A wish for the risk of an experiment."""
    return FigureRequest(experiment_id=experiment_id, figure="risk", format="svg", key="figure:1")


def test_nothing_is_left_of_a_figure_but_its_bytes(workshop: Workshop) -> None:
    """Whose memory nobody has collected yet: a process that draws all day would be large by them."""
    experiment_id = workshop.submit(spec())
    workshop.work_off()
    gc.collect()
    before = {id(each) for each in gc.get_objects() if isinstance(each, Figure)}
    gc.disable()
    try:
        draw_figure(workshop.context(), experiment_id, "risk", "png")
        assert not [each for each in gc.get_objects() if isinstance(each, Figure) and id(each) not in before]
    finally:
        gc.enable()


def test_a_figure_that_was_asked_for_is_drawn_of_what_is_there(workshop: Workshop) -> None:
    """Also before anything is trained: the figure says how far it is."""
    experiment_id = workshop.submit(spec())
    workshop.perform(f"{experiment_id}.plan")
    workshop.store.request_figure(request(experiment_id), seconds=30.0)
    assert draw_next(workshop.context())
    assert b"<svg" in (workshop.store.document("figure:1") or b"")
    assert not draw_next(workshop.context())


def test_a_figure_that_cannot_be_drawn_says_so_for_a_while(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is kept in its place; whoever asks later has it tried again."""
    workshop.store.request_figure(request("nobody"), seconds=1.0)
    assert draw_next(workshop.context())
    assert workshop.store.document("figure:1") is None
    assert workshop.store.document(figure_error_key("figure:1")) == b"ExperimentNotFound: there is no such experiment"
    assert "figure risk: it could not be drawn" in caplog.text
    workshop.clock.move(ERROR_SECONDS)
    assert workshop.store.document(figure_error_key("figure:1")) is None
    assert workshop.store.request_figure(request("nobody"), seconds=1.0)


def test_a_store_that_is_away_is_no_error_of_the_figure(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said of it; whoever still wants it asks again."""

    def away(*_: object) -> object:
        raise StoreUnavailable("away")

    workshop.store.request_figure(request("e"), seconds=1.0)
    monkeypatch.setattr(workshop.store, "experiment", away)
    with pytest.raises(StoreUnavailable):
        draw_next(workshop.context())
    assert workshop.store.document(figure_error_key("figure:1")) is None


def test_a_figure_that_hangs_ends_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever still wants it asks again; the interactive queue goes on in another process."""
    ended = threading.Event()
    workshop = Workshop(SETTINGS.model_copy(update={"stall_seconds": 0.05}))
    context = replace(workshop.context(), end_process=lambda _reason: ended.set())

    def hang(*_: object) -> bytes:
        assert ended.wait(20.0), "nobody noticed"
        return b""

    monkeypatch.setattr("worker.drawing.draw_figure", hang)
    workshop.store.request_figure(request("e"), seconds=1.0)
    assert draw_next(context)


def test_an_upload_that_is_gone_takes_no_figure_with_it(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no truth to compare with, and that is all."""

    def gone(*_: object) -> object:
        raise InvalidData("the uploaded data set is no longer kept")

    experiment_id = workshop.done(spec())
    results = stored_results(workshop.context(), experiment_id)
    monkeypatch.setattr("worker.drawing.dataset_of", gone)
    assert results.true_predictor(0) is None


def test_a_figure_that_was_asked_for_twice_is_drawn_once(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits longer than it is believed to take asks again."""
    drawn: list[object] = []
    monkeypatch.setattr("worker.drawing.draw_figure", lambda *asked: drawn.append(asked) or b"a picture")
    for _ in range(2):
        workshop.store.request_figure(request("e"), seconds=1.0)
        workshop.clock.move(2.0)
    while draw_next(workshop.context()):
        pass
    assert len(drawn) == 1


def test_a_figure_goes_with_the_experiment_it_was_drawn_of(workshop: Workshop) -> None:
    """One of what is not finished is kept for an hour; it will look otherwise then."""
    experiment_id = workshop.submit(spec())
    workshop.perform(f"{experiment_id}.plan")
    for key in ("figure:early", "figure:late"):
        workshop.store.request_figure(
            FigureRequest(experiment_id=experiment_id, figure="risk", format="svg", key=key), seconds=1.0
        )
        assert draw_next(workshop.context())
        assert workshop.store.document(key) is not None
        workshop.work_off()
    workshop.store.delete(experiment_id)
    while workshop.store.clear_garbage(most=100):
        pass
    assert workshop.store.document("figure:early") is not None
    assert workshop.store.document("figure:late") is None


def test_a_figure_in_a_way_of_its_own_is_not_kept_for_good(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no end to the ways: the store would fill with what one slider asks for."""
    monkeypatch.setattr("worker.drawing.draw_figure", lambda *_: b"a picture")
    experiment_id = workshop.done(spec())
    for key, options in (("figure:usual", ""), ("figure:own", '{"y_max": 0.5}')):
        asked = FigureRequest(experiment_id=experiment_id, figure="risk", format="svg", key=key, options=options)
        workshop.store.request_figure(asked, seconds=1.0)
        assert draw_next(workshop.context())
    assert workshop.store.document("figure:own") == b"a picture"
    workshop.clock.move(KEPT_SECONDS)
    assert workshop.store.document("figure:own") is None
    assert workshop.store.document("figure:usual") == b"a picture"
