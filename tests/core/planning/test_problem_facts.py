"""What is known, or guessed, of problems before anything is trained."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis, ReferenceInterpolator
from core.experiment.dataset import dataset_of, no_uploads
from core.networks.network import UV, Diagonal
from core.planning.problem_facts import MOST_GUESSED, MOST_LOOKUPS, ProblemFacts, Provenance, facts_of_problems
from core.spec.experiment_spec import ExperimentSpec, InlineData
from core.sweep.grid import Grid
from tests.core.specs import document, grid_of

GIVEN = InlineData(kind="inline", X=[[1.0, 2.0]], y=[1.0])
SEEDS = {"values": list(range(3 * MOST_LOOKUPS))}


def analysis(data_key: str = "key", step: float | None = 0.01) -> ProblemAnalysis:
    """One of 7 samples in 9 dimensions."""
    return ProblemAnalysis(
        data_key=data_key, network="diagonal-2", depth=2, digest="", samples=7, dimension=9, max_stable_step=step
    )


def test_facts_of_an_analysed_problem_are_those_of_its_analysis() -> None:
    """Whatever the spec says of the data."""
    grid = grid_of()
    facts = facts_of_problems(grid, lambda _: analysis(), None)
    known = ProblemFacts(samples=7, dimension=9, network=Diagonal(2), max_stable_step=0.01, variance=5.0)
    assert facts == {known: 1}
    assert known.provenance is Provenance.KNOWN


def test_how_sharp_all_interpolators_are_beside_the_variance_is_known_of_drawn_data_alone() -> None:
    """2/η* = 200 = 10·D²σ²; the scale of given data says nothing, and without η* nothing is known."""
    facts = ProblemFacts(samples=7, dimension=9, network=Diagonal(2), max_stable_step=0.01, variance=5.0)
    assert facts.anisotropy == pytest.approx(10)
    assert replace(facts, variance=None).anisotropy == replace(facts, max_stable_step=None).anisotropy == 1


@pytest.mark.parametrize(("step", "fraction"), [(0.01, 0.5), (None, 1.0)])
def test_what_is_stable_at_least_norm_is_known_beside_the_largest_stable_step(
    step: float | None, fraction: float
) -> None:
    """2/λ = .005 there; where nothing interpolates there is nothing to compare it with."""
    found = replace(analysis(step=step), interpolators={"min_l2": ReferenceInterpolator(sharpness=400.0)})
    assert ProblemFacts.known(Diagonal(2), found, GIVEN).least_norm_fraction == pytest.approx(fraction)


def test_problems_that_differ_by_their_seed_are_one_kind() -> None:
    """Beyond the first few no analysis is asked for; all are counted."""
    asked: list[str] = []
    grid = grid_of(data={"seed": SEEDS}, model={"kind": "diagonal", "depth": {"values": [2, 3]}})
    facts = facts_of_problems(grid, asked.append, None)
    assert len(asked) == len(set(asked)) == MOST_LOOKUPS
    assert {fact.network: count for fact, count in facts.items()} == {
        Diagonal(2): len(SEEDS["values"]),
        Diagonal(3): len(SEEDS["values"]),
    }
    assert {fact.provenance for fact in facts} == {Provenance.GUESSED}


def test_of_very_many_kinds_some_stand_for_the_others() -> None:
    """However many differ in samples and dimension, few are made; all are counted, the mean as it is."""
    samples, dimension = range(1, 201), range(8, 208)
    grid = grid_of(data={"samples": {"values": list(samples)}, "dimension": {"values": list(dimension)}})
    with patch.object(Grid, "problem", autospec=True, side_effect=Grid.problem) as made:
        facts = facts_of_problems(grid, lambda _: None, None)
    assert made.call_count == MOST_LOOKUPS + MOST_GUESSED
    assert facts.total() == grid.problems == 40_000
    entries = sum(count * fact.samples * fact.dimension for fact, count in facts.items()) / facts.total()
    assert entries == pytest.approx(100.5 * 107.5, rel=0.02)


def test_each_problem_has_the_numbers_of_its_own_runs() -> None:
    """Of whatever axes the grid is made."""
    values = {"values": [10, 20]}
    grid = grid_of(data={"samples": values, "dimension": {"values": [30, 40, 50]}}, model={"kind": "uv"})
    facts = facts_of_problems(grid, lambda _: None, None)
    assert {(fact.samples, fact.dimension) for fact in facts} == {(n, d) for n in (10, 20) for d in (30, 40, 50)}
    assert {fact.network for fact in facts} == {UV()}


def test_of_data_of_ones_own_the_shape_is_known() -> None:
    """From the spec, or from the upload; the largest stable step is not where X is large or not there."""
    inline = {"kind": "inline", "X": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "y": [1.0, 2.0]}
    with patch("core.planning.problem_facts.MOST_FACTORED", 5):
        assert _shape(grid_of(data=inline), None) == (2, 3)
    uploaded = grid_of(data={"kind": "dataset", "id": "a"})
    assert _shape(uploaded, (8, 5)) == (8, 5)
    with pytest.raises(ValueError, match="uploaded"):
        facts_of_problems(uploaded, lambda _: None, None)


def _shape(grid: Grid, uploaded: tuple[int, int] | None) -> tuple[int, int]:
    (facts,) = facts_of_problems(grid, lambda _: None, uploaded)
    assert (facts.provenance, facts.max_stable_step) == (Provenance.UNKNOWN, None)
    return facts.samples, facts.dimension


@pytest.mark.parametrize(("samples", "transform"), [(4, {}), (4, {"X": "offset", "offset": 3.0}), (9, {})])
def test_the_step_of_given_data_is_guessed_of_their_least_squares(samples: int, transform: dict[str, Any]) -> None:
    """Within a factor of two where they interpolate; where they do not, of what is stable at the least squares."""
    rng = np.random.default_rng(3)
    X = rng.normal(1, 1, (samples, 6))
    y = X @ rng.normal(0, 1, 6) + rng.normal(0, 0.1, samples)
    data = {"kind": "inline", "X": X.tolist(), "y": y.tolist(), "transform": transform}
    grid = Grid(ExperimentSpec.model_validate(document() | {"data": data}))
    given = grid.problem(0).data
    guessed = ProblemFacts.guessed(grid.problem(0), None)
    known = ProblemFacts.known(
        Diagonal(2), analyse_problem(dataset_of(given, no_uploads), Diagonal(2), "").analysis, given
    )
    assert guessed.provenance is Provenance.GUESSED
    assert guessed.max_stable_step == pytest.approx(known.max_stable_step, rel=0.5)


def test_nothing_is_guessed_of_given_data_that_say_nothing() -> None:
    """Where y = 0 every step is stable."""
    data = {"kind": "inline", "X": [[1.0, 2.0]], "y": [0.0]}
    grid = Grid(ExperimentSpec.model_validate(document() | {"data": data}))
    facts = ProblemFacts.guessed(grid.problem(0), None)
    assert (facts.max_stable_step, facts.provenance) == (None, Provenance.UNKNOWN)
