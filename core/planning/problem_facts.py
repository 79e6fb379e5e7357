"""What the cost of a problem's runs depends on: known from its analysis, or guessed at before there is one."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np

from core.analysis.problem_analysis import ProblemAnalysis
from core.data.transforms import user_dataset
from core.errors import StepbiasError
from core.networks.network import Network
from core.planning.cost import guessed_max_stable_step
from core.spec.experiment_spec import InlineData
from core.spec.run_spec import PlainData, PlainSparseRegression
from core.sweep.grid import Grid, GridProblem

MOST_LOOKUPS: Final = 64
"""Problems whose analysis is looked for; beyond, a sparse regression is guessed at, as if it had none."""

MOST_GUESSED: Final = 192
"""Kinds of problems beyond these that are looked at, evenly spread; each stands for those up to the next."""


MOST_FACTORED: Final = 20_000
"""Entries of given data that are looked at before their analysis: it takes a few milliseconds."""

FLATTER: Final = 2 * 1.4
"""ηλ at the least norm of the η* of given data, in the median of 164 problems."""


class Provenance(StrEnum):
    """How far the largest stable step of a problem is known beforehand."""

    KNOWN = "known"
    GUESSED = "guessed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemFacts:
    """What is known of a problem; `max_stable_step` is None where none is known.

    Where nothing interpolates it is that of the least squares. `least_norm_fraction` is the largest step that is stable
    at least ℓ2 norm over `max_stable_step`, 1 where unknown. `variance` is that of the entries of drawn data, None of
    given ones; `true_norm` is ‖β*‖₂, 1 where unknown.
    """

    samples: int
    dimension: int
    network: Network
    max_stable_step: float | None
    provenance: Provenance = Provenance.KNOWN
    least_norm_fraction: float = 1.0
    variance: float | None = None
    true_norm: float = 1.0

    @property
    def anisotropy(self) -> float:
        """The least λ_max over D²σ²‖β*‖^(2−2/D) of drawn data; 1 of others, whose scale says nothing."""
        if self.max_stable_step is None or self.variance is None:
            return 1.0
        degree = self.network.degree
        size = self.variance * self.true_norm ** (2 - 2 / degree)
        least = self.max_stable_step * degree**2 * size
        return float(2 / least) if 0 < least < np.inf else 1.0  # where numbers are too small, too

    @classmethod
    def known(cls, network: Network, analysis: ProblemAnalysis, data: PlainData) -> Self:
        """The facts of a problem that is analysed."""
        least_norm, largest = analysis.least_norm_stable_step, analysis.max_stable_step
        if largest is None and analysis.least_squares is not None and analysis.least_squares.sharpness:
            largest = 2 / analysis.least_squares.sharpness
        return cls(
            samples=analysis.samples,
            dimension=analysis.dimension,
            network=network,
            max_stable_step=largest,
            least_norm_fraction=least_norm / largest if least_norm and largest else 1.0,
            variance=data.variance if isinstance(data, PlainSparseRegression) else None,
            true_norm=data.true_norm if isinstance(data, PlainSparseRegression) else 1.0,
        )

    @classmethod
    def guessed(cls, problem: GridProblem, uploaded_shape: tuple[int, int] | None) -> Self:
        """The facts of a problem that is not; of uploaded data no more is known than samples and dimension.

        Raises:
            ValueError: the data are uploaded, and their shape is not given.
        """
        match problem.data:
            case PlainSparseRegression(samples=samples, dimension=dimension, mean=mean, variance=variance) as data:
                step = guessed_max_stable_step(problem.network, mean=mean, variance=variance, sparsity=data.sparsity)
                step /= data.true_norm ** (2 - 2 / problem.network.degree)
                return cls(
                    samples=samples,
                    dimension=dimension,
                    network=problem.network,
                    max_stable_step=step,
                    provenance=Provenance.GUESSED,
                    variance=variance,
                    true_norm=data.true_norm,
                )
            case InlineData(X=X) as data:
                guessed = _step_of_given(data, problem.network)
                return cls(
                    samples=len(X),
                    dimension=len(X[0]),
                    network=problem.network,
                    max_stable_step=guessed,
                    provenance=Provenance.UNKNOWN if guessed is None else Provenance.GUESSED,
                )
            case _:
                if uploaded_shape is None:
                    raise ValueError("the shape of uploaded data stands with the data")
                samples, dimension = uploaded_shape
                return cls(
                    samples=samples,
                    dimension=dimension,
                    network=problem.network,
                    max_stable_step=None,
                    provenance=Provenance.UNKNOWN,
                )


def facts_of_problems(
    grid: Grid, analysis_of: Callable[[str], ProblemAnalysis | None], uploaded_shape: tuple[int, int] | None
) -> Counter[ProblemFacts]:
    """What is known of the problems of the grid, and of how many of them just that.

    `analysis_of` has the analysis of a problem by its key, None before it is made; it is asked for the first few. No
    more than `MOST_LOOKUPS` + `MOST_GUESSED` problems are made, however many there are.
    """
    looked_for = min(grid.problems, MOST_LOOKUPS)
    found: Counter[ProblemFacts] = Counter()
    for number in range(looked_for):
        found[_facts(grid.problem(number), analysis_of, uploaded_shape)] += 1
    for number, count in _alike(grid, looked_for):
        found[ProblemFacts.guessed(grid.problem(number), uploaded_shape)] += count
    return found


def _step_of_given(data: InlineData, network: Network) -> float | None:
    """η* of data that stand in the spec, by the least squares of least norm; None where X is large."""
    if len(data.X) * len(data.X[0]) > MOST_FACTORED:
        return None
    arrays = data.model_dump(exclude={"kind", "transform"})
    with suppress(StepbiasError, np.linalg.LinAlgError), np.errstate(all="ignore"):
        dataset = user_dataset(**arrays, transform=data.transform.model_dump(mode="json"))
        predictor = np.linalg.lstsq(dataset.X, dataset.y)[0]
        weights = network.least_tangent_weights(predictor)
        step = float(FLATTER * len(dataset.y) / np.linalg.norm((dataset.X * weights) @ dataset.X.T, 2))
        return step if 0 < step < np.inf else None
    return None


def _facts(
    problem: GridProblem,
    analysis_of: Callable[[str], ProblemAnalysis | None],
    uploaded_shape: tuple[int, int] | None,
) -> ProblemFacts:
    analysis = analysis_of(problem.key)
    return (
        ProblemFacts.guessed(problem, uploaded_shape)
        if analysis is None
        else ProblemFacts.known(problem.network, analysis, problem.data)
    )


def _alike(grid: Grid, start: int) -> Iterator[tuple[int, int]]:
    """Some of the problems from `start` on, and how many each stands for; in a kind they differ by seed alone."""
    axes = grid.problem_axes
    if start == grid.problems:
        return
    positions = np.unravel_index(np.arange(start, grid.problems), [len(axis.values) for axis in axes])
    kind = np.zeros(grid.problems - start, dtype=np.int64)
    for axis, position in zip(axes, positions, strict=True):
        if axis.field != "seed":
            kind = kind * len(axis.values) + position
    _, first, counts = np.unique(kind, return_index=True, return_counts=True)
    chosen = np.arange(min(MOST_GUESSED, len(first))) * len(first) // min(MOST_GUESSED, len(first))
    yield from zip((start + first[chosen]).tolist(), np.add.reduceat(counts, chosen).tolist(), strict=True)
