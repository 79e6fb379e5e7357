"""A batch on its way, interrupted and not."""

from typing import Any

import numpy as np
import pytest

from core.analysis.problem import analyse_problem
from core.descent.kernel import NUMPY, chosen
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.known_problems import KnownProblem
from core.experiment.run_batch import EndedRun, RunBatch
from core.results.variables import VARIABLES
from core.sweep.grid import Grid
from tests.core.experiment.test_run import spec

SCALES = {"scale": {"values": [0.1, 0.3, 1.0]}}
SEARCH = {"step_size": {"largest_convergent": {"resolution": 0.05}}}


def known(grid: Grid) -> KnownProblem:
    """What its only problem is known to be."""
    problem = grid.problem(0)
    dataset = dataset_of(problem.data, no_uploads)
    analysis = analyse_problem(dataset, problem.network, problem.data_key).analysis
    return KnownProblem(dataset=dataset, network=problem.network, analysis=analysis)


def finished(batch: RunBatch) -> list[EndedRun]:
    """Its runs, by their place in the grid."""
    ended: list[EndedRun] = []
    while batch.active:
        ended += batch.advance()
    return sorted(ended, key=lambda entry: entry.run.index)


def same(one: list[EndedRun], other: list[EndedRun]) -> bool:
    """Whether all summaries and arrays are, to the bit."""
    return len(one) == len(other) and all(
        a.run == b.run
        and a.summary == b.summary
        and a.arrays.keys() == b.arrays.keys()
        and all(np.array_equal(a.arrays[name], b.arrays[name], equal_nan=True) for name in a.arrays)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("optimizer", [{}, SEARCH], ids=["single trainings", "searches"])
def test_a_batch_goes_on_from_its_checkpoint_to_the_same_bits(optimizer: dict[str, Any]) -> None:
    """Runs that ended before are not in it; those after it are as if nothing had been."""
    grid = Grid(spec(initialization=SCALES, optimizer=optimizer))
    data, kernel = known(grid), chosen("auto")
    undisturbed = finished(RunBatch(grid, range(3), data, kernel=kernel))
    batch, before = RunBatch(grid, range(3), data, kernel=kernel), list[EndedRun]()
    before += batch.advance()
    resumed = RunBatch(grid, range(3), data, kernel=kernel, checkpoint=batch.checkpoint())
    assert [run.index for run in resumed.active] == [run.index for run in batch.active]
    after = sorted(before + finished(resumed), key=lambda entry: entry.run.index)
    assert same(after, undisturbed)


@pytest.mark.parametrize("spoil", [lambda blob: blob[:-3], lambda _: b"", lambda blob: b"other/kernel" + blob])
def test_a_checkpoint_that_is_none_is_not_gone_on_from(spoil: Any) -> None:
    """Another kernel's bits would be mixed with ours, damaged ones are no numbers: the batch begins anew."""
    grid = Grid(spec(initialization=SCALES))
    data = known(grid)
    batch = RunBatch(grid, range(3), data, kernel=NUMPY)
    batch.advance()
    again = RunBatch(grid, range(3), data, kernel=NUMPY, checkpoint=spoil(batch.checkpoint()))
    assert again.fraction == RunBatch(grid, range(3), data, kernel=NUMPY).fraction
    assert len(again.active) == 3


def test_the_fraction_grows_to_one_and_every_variable_is_summed_up() -> None:
    """A run that outlives its prediction is nearly done; null is a value."""
    grid = Grid(spec(initialization=SCALES))
    batch = RunBatch(grid, [2, 0], known(grid), kernel=NUMPY)
    fractions, ended = [batch.fraction], list[EndedRun]()
    while batch.active:
        ended += batch.advance()
        fractions.append(batch.fraction)
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert {entry.run.index for entry in ended} == {0, 2}
    assert all(entry.summary.keys() == VARIABLES.keys() for entry in ended)
