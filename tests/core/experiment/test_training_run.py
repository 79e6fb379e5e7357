"""From documents to numbers."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.analysis.problem_analysis import ProblemAnalysis
from core.descent.optimizers import FullBatch, Minibatch
from core.errors import NoInterpolator
from core.experiment.training_run import never_stable, search_of, training_run
from core.sweep.grid_run import Run
from core.training.convergent_step_search import StepSearch
from core.training.sensitivity import WithTwin
from core.training.trials import Search, SingleTrial
from tests.core.specs import grid_of

ANALYSIS = ProblemAnalysis(
    data_key="",
    network="diagonal-2",
    depth=2,
    digest="",
    samples=3,
    dimension=6,
    max_stable_step=0.01,
    never_stable_above=0.012,
)
BRACKET = {"largest_convergent": {"lower": 0.8, "upper": 1.2, "resolution": 0.01}}


def only(**parts: Any) -> Run:
    """The only run of a small spec."""
    return grid_of(**parts).run(0)


def test_a_training_run_has_the_numbers_of_its_spec() -> None:
    """Each where it belongs."""
    run = only(
        initialization={"scale": 0.2},
        optimizer={"step_size": {"fractions_of_max_stable": [0.5]}, "warmup_steps": 7},
        stopping={"loss_tolerance": 1e-5, "completion_tolerance": 1e-6, "max_steps": 99, "kick": False},
        recording={"points": 3},
    )
    numbers = training_run(run, ANALYSIS)
    np.testing.assert_array_equal(numbers.initial, np.full((2, 6), 0.2))
    assert (numbers.step_size, numbers.warmup_steps, numbers.optimizer) == (0.005, 7, run.optimizer)
    assert (numbers.loss_tolerance, numbers.completion_tolerance, numbers.max_steps) == (1e-5, 1e-6, 99)
    assert (numbers.perturb_unstable, numbers.record_points, numbers.seed) == (False, 3, run.seed)


def test_a_run_that_has_to_be_iterated_is_never_completed() -> None:
    """No error of a completed limit is small enough."""
    assert training_run(only(stopping={"finish": "iterate"}), ANALYSIS).completion_tolerance == 0


@pytest.mark.parametrize(("finish", "wanted"), [("auto", False), ("proven", True), ("iterate", False)])
def test_a_proof_is_wanted_where_the_spec_says_so(finish: str, *, wanted: bool) -> None:
    """And a limit that has one may be completed."""
    run = training_run(only(stopping={"finish": finish}), ANALYSIS)
    assert (run.wants_proof, run.completion_tolerance > 0) == (wanted, finish != "iterate")


def test_a_run_is_held_where_its_release_is_exact() -> None:
    """And not by default."""
    assert training_run(only(stopping={"release": "exact"}), ANALYSIS).holds
    assert not training_run(only(), ANALYSIS).holds


def test_a_run_of_given_steps_is_left_alone() -> None:
    """Its budget is what it takes."""
    run = training_run(only(stopping={"steps": 7}), ANALYSIS)
    assert (run.max_steps, run.takes_all_steps, run.completion_tolerance, run.perturb_unstable) == (7, True, 0, False)


@pytest.mark.parametrize("step_size", [{"fractions_of_max_stable": [0.5]}, BRACKET])
def test_multiples_of_a_step_that_is_not_known_have_no_meaning(step_size: dict[str, Any]) -> None:
    """The sentence says which form, and why; a step size in numbers needs no analysis."""
    unknown = replace(ANALYSIS, max_stable_step=None, no_interpolator="y is not consistent")
    with pytest.raises(NoInterpolator, match=rf"{next(iter(step_size))} .*: y is not consistent"):
        training_run(only(optimizer={"step_size": step_size}), unknown)
    assert training_run(only(optimizer={"step_size": 3.0}), unknown).step_size == 3.0


def search(**parts: Any) -> Search:
    """What the only run of a spec is trained as."""
    run = only(**parts)
    return search_of(run, training_run(run, ANALYSIS))


def test_a_run_is_trained_once_unless_its_spec_asks_for_more() -> None:
    """A search has its bracket around η*; a copy goes beside either."""
    single = {"recording": {"sensitivity": False}}
    assert isinstance(search(**single), SingleTrial)
    found = search(optimizer={"step_size": BRACKET}, **single)
    assert isinstance(found, StepSearch)
    assert (found.run.step_size, found.lower, found.upper, found.resolution) == (0.01, 0.8, 1.2, 0.01)
    both = search(optimizer={"step_size": BRACKET}, recording={"sensitivity": True})
    assert isinstance(both, WithTwin)
    assert isinstance(both.search, StepSearch)
    assert not both.only_if_needed
    by_default = search()
    assert isinstance(by_default, WithTwin)
    assert by_default.only_if_needed


def test_without_a_bound_no_step_is_too_large() -> None:
    """A bound that is not known excludes nothing."""
    found = never_stable(ANALYSIS)
    assert (found.positive, found.any_sign) == (0.012, math.inf)


def test_minibatches_of_all_samples_are_trained_as_gradient_descent() -> None:
    """Of the three of the analysis."""
    optimizer = {"kind": "sgd", "batch_size": {"values": [2, 3]}, "step_size": 0.01}
    runs = grid_of(data={"samples": 3}, optimizer=optimizer).runs()
    assert [training_run(run, ANALYSIS).optimizer for run in runs] == [Minibatch(batch_size=2), FullBatch()]
