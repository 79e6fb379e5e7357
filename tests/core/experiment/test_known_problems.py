"""What is known of a problem, kept for the batches to come: the same numbers as if each began anew."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.analysis.starts import MOST_BYTES, Starts
from core.data.regression import Dataset
from core.data.user_arrays import UserArrays
from core.descent.kernel import chosen, one_thread
from core.errors import InvalidData
from core.experiment import known_problems
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.known_problems import KnownProblem, KnownProblems
from core.experiment.run_batch import EndedRun, RunBatch
from core.networks.network import Diagonal
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.experiment.test_run import spec
from tests.core.experiment.test_run_batch import finished, same
from tests.core.problems import small_problem
from tests.core.specs import document

SCALES = {"scale": {"values": [0.1, 0.3, 1.0]}}
UNREACHED = {"kind": "inline", "X": [[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]], "y": [1.0, 0.5, 2.0]}
CASES: dict[str, dict[str, Any]] = {
    "several depths, copies beside the runs": {
        "model": {"kind": "diagonal", "depth": {"values": [2, 3]}},
        "optimizer": {"step_size": {"fractions_of_max_stable": [0.3, 1.1]}},
        "recording": {"points": 4, "sensitivity": True},
    },
    "weights that decay for ever": {"optimizer": {"step_size": 0.1, "weight_decay": {"values": [0.01, 0.03]}}},
    "nothing interpolates": {"data": UNREACHED, "optimizer": {"step_size": {"values": [0.02, 0.05]}}},
    "multiples of what a start allows": {
        "optimizer": {"step_size": {"multiples_of": "start_stable_step", "values": [0.2, 0.4]}}
    },
    "searches": {"optimizer": {"step_size": {"largest_convergent": {"resolution": 0.05}}}},
}


def made(grid: Grid, number: int) -> tuple[Dataset, ProblemAnalysis]:
    """A problem of the grid, from nothing."""
    problem = grid.problem(number)
    dataset = dataset_of(problem.data, no_uploads)
    return dataset, analyse_problem(dataset, problem.network, problem.data_key).analysis


@pytest.mark.parametrize("parts", CASES.values(), ids=CASES.keys())
def test_no_bit_of_a_run_depends_on_what_was_known_before_it(parts: dict[str, Any]) -> None:
    """Batches of a run each, first to last and last to first with one memory, and each with a new one."""
    grid = Grid(spec(initialization=SCALES, **parts))
    analysed = [made(grid, number) for number in range(grid.problems)]

    def trained(index: int, problems: KnownProblems) -> list[EndedRun]:
        problem = grid.problem_of(index)
        dataset, analysis = analysed[problem.number]
        known = problems.of(problem, analysis, lambda: dataset)
        return finished(RunBatch(grid, [index], known, kernel=chosen("auto")))

    each = range(len(grid))
    alone = [ended for index in each for ended in trained(index, KnownProblems())]
    for order in (each, reversed(each)):
        one = KnownProblems()
        together = sorted((run for index in order for run in trained(index, one)), key=lambda ended: ended.run.index)
        assert same(together, alone)


def test_a_problem_is_made_once_for_as_long_as_its_analysis_is_the_same() -> None:
    """Another analysis, as of a worker with other last bits, is another problem; another problem is, too."""
    grid = Grid(spec(model={"kind": "diagonal", "depth": {"values": [2, 3]}}))
    problems, calls = KnownProblems(), list[int]()

    def of(number: int, **changes: Any) -> KnownProblem:
        dataset, analysis = made(grid, number)
        return problems.of(
            grid.problem(number), replace(analysis, **changes), lambda: (calls.append(number), dataset)[1]
        )

    first, second = of(0), of(1)
    assert (first.network, second.network) == (Diagonal(2), Diagonal(3))
    assert of(0) is first
    assert of(1) is second
    assert calls == [0, 1]
    again = of(0, max_stable_step=0.01)
    assert again is not first
    assert again.analysis.max_stable_step == 0.01
    assert calls == [0, 1, 0]


def test_what_is_kept_of_problems_and_starts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ones stay; one that is too large is used, and forgotten."""
    grid = Grid(
        spec(
            data={
                "kind": "sparse_regression",
                "samples": 2,
                "dimension": 4,
                "sparsity": 1,
                "seed": {"values": [0, 1, 2]},
            }
        )
    )
    analysed = [made(grid, number) for number in range(3)]
    sizes = [KnownProblem(dataset=data, network=Diagonal(2), analysis=known).size for data, known in analysed]
    monkeypatch.setattr(known_problems, "MOST_BYTES", 2 * max(sizes) + 10_000)
    problems = KnownProblems()

    def of(number: int) -> KnownProblem:
        dataset, analysis = analysed[number]
        return problems.of(grid.problem(number), analysis, lambda: dataset)

    zero, one, two = of(0), of(1), of(2)
    assert of(2) is two
    assert of(1) is one
    assert of(0) is not zero
    monkeypatch.setattr(known_problems, "LARGEST", min(sizes) - 1)
    problems = KnownProblems()
    assert of(0) is not of(0)

    starts = Starts(small_problem(0), Diagonal(2), follows_flow=True)
    first = starts.of(np.full((2, 7), 0.1))
    assert starts.of(np.full((2, 7), 0.1)) is first
    for number in range(MOST_BYTES // 4000):
        starts.of(np.full((2, 7), 0.2 + number))
    assert starts.of(np.full((2, 7), 0.1)) is not first


def test_an_upload_that_is_gone_is_not_trained_on() -> None:
    """Whoever deletes it need not wait until a worker has forgotten it."""
    arrays = UserArrays.of({"X": np.array([[1.0, 2.0, 0.5]]), "y": np.array([1.0])})
    uploaded = {"kind": "dataset", "id": arrays.id}
    grid = Grid(ExperimentSpec.model_validate(document(data=uploaded) | {"data": uploaded}))
    problem, problems = grid.problem(0), KnownProblems()
    dataset = dataset_of(problem.data, lambda _: arrays)
    analysis = analyse_problem(dataset, problem.network, problem.data_key).analysis
    kept = problems.of(problem, analysis, partial(dataset_of, problem.data, lambda _: arrays))
    assert problems.of(problem, analysis, partial(dataset_of, problem.data, lambda _: arrays)) is kept
    with pytest.raises(InvalidData, match="uploads are kept by a service"):
        problems.of(problem, analysis, partial(dataset_of, problem.data, no_uploads))


def test_threads_that_share_what_is_known_give_the_same_bits() -> None:
    """Each run a batch in a thread of its own, begun together on problems that nobody has looked at."""
    grid = Grid(spec(initialization=SCALES, **CASES["several depths, copies beside the runs"]))
    analysed = [made(grid, number) for number in range(grid.problems)]
    problems, together = KnownProblems(), Barrier(len(grid))

    def trained(index: int, problems: KnownProblems, *, waits: bool = False) -> list[EndedRun]:
        problem = grid.problem_of(index)
        if waits:
            together.wait()
        known = problems.of(problem, analysed[problem.number][1], partial(dataset_of, problem.data, no_uploads))
        return finished(RunBatch(grid, [index], known, kernel=chosen("auto")))

    with one_thread(), ThreadPoolExecutor(len(grid)) as threads:
        shared = list(threads.map(partial(trained, problems=problems, waits=True), range(len(grid))))
        alone = [trained(index, KnownProblems()) for index in range(len(grid))]
    assert all(same(one, other) for one, other in zip(shared, alone, strict=True))
