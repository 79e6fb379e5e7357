"""Runs as columns, in blocks and batches."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.networks.network import Diagonal
from core.planning.cost import COMPILED
from core.planning.problem_facts import ProblemFacts
from core.planning.run_table import LIKELY_TWINS, RunTable, batches_of, blocks
from core.stability.step_bracket import PROBES
from tests.core.specs import grid_of

FACTS = ProblemFacts(samples=50, dimension=100, network=Diagonal(2), max_stable_step=0.008)
SCALES = {"values": [0.01, 0.1, 1.0]}
MOMENTA = {"values": [0.0, 0.3, 0.9]}


@given(problems=st.integers(1, 5), scales=st.integers(1, 9), block=st.integers(1, 20), begun=st.integers(0, 45))
def test_blocks_cover_what_is_left_and_none_straddles_problems(
    problems: int, scales: int, block: int, begun: int
) -> None:
    """Each run from the start on is in one block, in order, and no block is too long."""
    grid = grid_of(
        data={"seed": {"values": list(range(problems))}},
        initialization={"scale": {"values": [float(number + 1) for number in range(scales)]}},
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("core.planning.run_table.BLOCK", block)
        found = list(blocks(grid, begun))
    assert list(itertools.chain(*found)) == list(range(begun, len(grid)))
    assert all(len({index // grid.runs_per_problem for index in part}) == 1 for part in found)
    assert all(len(part) <= block for part in found)


@pytest.mark.parametrize(
    "optimizer",
    [
        {"step_size": {"values": [0.001, 0.004]}},
        {"step_size": {"fractions_of_max_stable": [0.5, 0.9]}, "warmup_steps": {"values": [0, 100]}},
        {"kind": "heavy_ball", "momentum": MOMENTA, "step_size": {"values": [0.001, 0.004]}},
        {"kind": "heavy_ball", "momentum": MOMENTA, "step_size": {"fractions_of_max_stable": [0.5]}},
    ],
)
def test_the_columns_are_the_numbers_of_the_runs(optimizer: dict[str, Any]) -> None:
    """And η over the η* of each run's optimiser is the fraction that the length of a run depends on, to the bit."""
    grid = grid_of(initialization={"scale": SCALES}, optimizer=optimizer)
    runs, table = list(grid.runs()), RunTable.at(grid, range(len(grid)))
    assert table.init_scale.tolist() == [run.init_scale for run in runs]
    assert table.warmup_steps.tolist() == [run.warmup_steps for run in runs]
    (fraction,) = table._fractions(FACTS)
    expected = [run.resolved_step_size(0.008) / run.largest_stable_step(0.008) for run in runs]
    np.testing.assert_allclose(fraction, expected, rtol=1e-15)
    if "values" in optimizer["step_size"]:
        assert fraction.tolist() == expected


@pytest.mark.parametrize("unit", ["start_stable_step", "least_norm_stable_step", "flow_stable_step"])
def test_multiples_of_another_step_are_planned_as_if_of_that_of_least_norm(unit: str) -> None:
    """The others are known once a run is begun; without an analysis as if of η* itself."""
    grid = grid_of(optimizer={"step_size": {"multiples_of": unit, "values": [0.5, 2.0]}})
    table = RunTable.at(grid, range(2))
    (known,) = table._fractions(replace(FACTS, least_norm_fraction=0.25))
    (unknown,) = table._fractions(FACTS)
    assert (known.tolist(), unknown.tolist()) == ([0.125, 0.5], [0.5, 2.0])


def test_runs_that_are_made_of_trials_take_more_at_a_time() -> None:
    """The probes of a search; a twin is trained after its run."""
    search = RunTable.at(grid_of(optimizer={"step_size": {"largest_convergent": {}}}), [0])
    copies = RunTable.at(grid_of(recording={"sensitivity": True}), [0])
    assert (search.lanes, copies.lanes, RunTable.at(grid_of(), [0]).lanes) == (PROBES, 1, 1)
    assert search.trainings.tolist()[0] > 1
    assert copies.trainings.tolist() == [2.0]


def test_runs_that_are_never_smooth_are_planned_with_a_twin() -> None:
    """Those with momentum; without they are gradient descent, of which some are smooth."""
    heavy = {"kind": "heavy_ball", "momentum": {"values": [0.0, 0.5]}, "step_size": 0.01}
    assert RunTable.at(grid_of(optimizer=heavy), [0, 1]).trainings.tolist() == [1 + LIKELY_TWINS, 2.0]
    assert RunTable.at(grid_of(optimizer=heavy, recording={"sensitivity": False}), [0, 1]).trainings.tolist() == [1, 1]


def test_batches_have_the_runs_that_are_asked_for() -> None:
    """Of the second problem, by their index in the grid, each once."""
    grid = grid_of(data={"seed": {"values": [0, 1]}}, initialization={"scale": SCALES})
    wanted = [3, 5]
    found = batches_of(grid, wanted, FACTS, COMPILED)
    assert sorted(index for batch in found for index in batch.indices) == wanted


def test_runs_of_given_steps_are_predicted_to_take_them() -> None:
    """However soon they converge."""
    grid = grid_of(initialization={"scale": SCALES}, stopping={"steps": 12_345_678}, recording={"sensitivity": False})
    assert RunTable.at(grid, range(3)).steps(FACTS).tolist() == [12_345_678.0] * 3


@pytest.mark.parametrize("depth", [2, 3])
def test_a_larger_true_predictor_is_another_unit(depth: int) -> None:
    """‖β*‖ = 7 and scales that are 7^(1/D) times as large take as long at the same part of η*."""
    found = []
    for norm in (1.0, 7.0):
        grid = grid_of(
            data={"true_norm": norm},
            model={"kind": "diagonal", "depth": depth},
            initialization={"scale": {"values": [0.01 * norm ** (1 / depth), 0.2 * norm ** (1 / depth)]}},
            optimizer={"step_size": {"fractions_of_max_stable": [0.1, 0.7]}},
        )
        facts = ProblemFacts.guessed(grid.problem(0), None)
        found.append(RunTable.at(grid, range(4)).steps(facts))
    np.testing.assert_allclose(*found, rtol=1e-9)
    assert len(set(found[0].tolist())) > 1


@pytest.mark.parametrize(
    ("start", "size"),
    [
        ({"kind": "parameters", "u_plus": 3.0, "u_minus": 4.0}, math.sqrt(12.5)),
        ({"kind": "parameters", "u_plus": [3.0, 5.0], "u_minus": {"values": [1.0]}}, 3.0),
        ({"kind": "vector", "vector": [1.0, 7.0]}, 5.0),
    ],
)
def test_the_scale_of_given_parameters_is_that_of_their_entries(start: dict[str, Any], size: float) -> None:
    """Their root mean square, times α, whether a part is a number, a vector or swept."""
    data = {"samples": 1, "dimension": 2, "sparsity": 1}
    grid = grid_of(data=data, initialization=start | {"scale": {"values": [0.1, 0.2]}})
    np.testing.assert_allclose(RunTable.at(grid, range(2)).init_scale, [0.1 * size, 0.2 * size])
