"""The data of the notebooks on β = u∘v, and descent on them as whole specs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from core.experiment.run import ExperimentResults, run
from core.spec.experiment_spec import ExperimentSpec

HELD_OUT: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Problem:
    """The data of both papers: standard normal samples, a positive sparse unit predictor, no noise."""

    X: np.ndarray
    held_out_X: np.ndarray
    true_predictor: np.ndarray

    @classmethod
    def drawn(cls, samples: int, dim: int, nonzero: int) -> "Problem":
        """As their notebooks draw it after `numpy.random.seed(0)`; NumPy keeps the bits of that generator for good."""
        rng = np.random.RandomState(0)
        X, held_out_X = rng.randn(samples, dim), rng.randn(HELD_OUT, dim)
        true_predictor = np.abs(rng.randn(dim))
        true_predictor[nonzero:] = 0
        return cls(X=X, held_out_X=held_out_X, true_predictor=true_predictor / np.linalg.norm(true_predictor))

    @property
    def y(self) -> np.ndarray:
        """The targets."""
        return np.asarray(self.X @ self.true_predictor)

    def document(self) -> Mapping[str, Any]:
        """As the data of a spec."""
        y = self.held_out_X @ self.true_predictor
        arrays = {"X": self.X, "y": self.y, "held_out_X": self.held_out_X, "held_out_y": y}
        return {"kind": "inline"} | {name: array.tolist() for name, array in arrays.items()}

    def test_loss(self, predictors: np.ndarray) -> np.ndarray:
        """‖X(β − β*)‖²/2N of the held-out samples, for each β."""
        outputs = (predictors - self.true_predictor) @ self.held_out_X.T
        return np.asarray(np.square(outputs).sum(axis=-1) / (2 * HELD_OUT))

    def train_loss(self, predictor: np.ndarray) -> float:
        """‖Xβ − y‖²/2N."""
        return float(np.square(self.X @ predictor - self.y).mean() / 2)


SAM: Final = Problem.drawn(20, 30, 3)
SPARSE_FEATURES: Final = Problem.drawn(40, 100, 20)
TWICE_AS_LARGE: Final = Problem.drawn(80, 200, 20)


Leg = tuple[int, float]
"""Steps, and their size γ."""


def in_legs(problem: Problem, legs: Sequence[Leg], *, start: Mapping[str, Any], **optimizer: Any) -> ExperimentResults:
    """One run of so many steps of each size, one after the other."""
    changes = [sum(steps for steps, _ in legs[: count + 1]) for count in range(len(legs))]
    first = legs[0][1]
    if len(legs) > 1:
        factors = [step_size / first for _, step_size in legs[1:]]
        optimizer |= {"schedule": "piecewise", "schedule_at_steps": changes[:-1], "schedule_factors": factors}
    return trained(problem, changes[-1], step_size=first, start=start, optimizer=optimizer)


def trained(
    problem: Problem,
    steps: int,
    *,
    step_size: float,
    start: Mapping[str, Any],
    optimizer: Mapping[str, Any] | None = None,
) -> ExperimentResults:
    """So many steps of size γ on β = u∘v, of gradient descent unless another `optimizer` is given, in its own units."""
    document = {
        "name": "",
        "data": problem.document(),
        "model": {"kind": "uv_product"},
        "initialization": start,
        "optimizer": {"kind": "gradient_descent", "step_size": step_size} | (optimizer or {}),
        "stopping": {"steps": steps},
        "recording": {"points": 0, "sensitivity": False},
    }
    return run(ExperimentSpec.model_validate(document))


def uniform(*scales: float) -> Mapping[str, Any]:
    """The start u = a·1, v = 0, a run for each a."""
    return {"kind": "uniform", "scale": {"values": scales}}


NOTHING: Final = 1e-50
"""Entries of u∘v below it count as zero, in the notebook of 2023."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """What their notebooks print of where a run ended."""

    train_loss: float
    test_loss: float
    norm: float
    nonzero: int
    balance: float

    @classmethod
    def of(cls, problem: Problem, u: np.ndarray, v: np.ndarray) -> "End":
        """‖(u, v)‖, the entries of u∘v that are not nothing, and ‖|u| − |v|‖, beside the losses."""
        return cls(
            train_loss=problem.train_loss(u * v),
            test_loss=float(problem.test_loss(u * v)),
            norm=float(np.hypot(u, v) @ np.hypot(u, v)) ** 0.5,
            nonzero=int((np.abs(u * v) > NOTHING).sum()),
            balance=float(np.linalg.norm(np.abs(u) - np.abs(v))),
        )


def ends(problem: Problem, done: ExperimentResults) -> list[End]:
    """Of every run."""
    return [End.of(problem, arrays["u_plus"], arrays["v_plus"]) for arrays in done.arrays]
