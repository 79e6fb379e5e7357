"""What a figure is drawn from: everything that is stored of an experiment, and nothing that is not."""

from typing import Any

import numpy as np
import pytest

from core.figures.layouts.catalogue import suitable
from core.results.result import decode_summary, unpack_arrays
from core.sweep.grid import Grid
from jobs.records import plan_job_id
from tests.worker.workshop import PROBLEM, Workshop, spec
from worker.drawing import draw_figure, stored_results

SPARSE = {"kind": "sparse_regression", "samples": {"values": [3, 5]}, "dimension": 8, "sparsity": 2}
DEEP: dict[str, Any] = {"model": {"kind": "diagonal", "depth": {"values": [2, 3]}}}


@pytest.fixture
def workshop() -> Workshop:
    """A store and a worker."""
    return Workshop()


def test_a_figure_has_every_stored_run_with_its_arrays(workshop: Workshop) -> None:
    """And None for a run that is not stored yet."""
    experiment_id = workshop.submit(spec())
    workshop.perform(plan_job_id(experiment_id))
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
    workshop.perform(plan_job_id(experiment_id))
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
