"""Gradient descent of two papers on β = u∘v, trained here as whole specs of the squared model."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Final

import numpy as np

from core.experiment.run import ExperimentResults, run
from core.spec.experiment_spec import ExperimentSpec
from tests.external_truth.row import Row

HELD_OUT: Final = 1000

THIRTIETHS: Final = ((5, 0.1), (5, 0.02), (10, 0.1), (15, 0.1), (1, 0.1))
"""Thirty times the step size γ, and the scale a."""


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


SAM: Final = Problem.drawn(20, 30, 3)
SPARSE_FEATURES: Final = Problem.drawn(40, 100, 20)


def trained(
    problem: Problem, *, step_size: float, scale: float, steps: int, of_product: bool = False
) -> ExperimentResults:
    """Descent on u∘v from u = a·1, v = 0 with step γ: the squared model at η = γ/2 from α = a/2, step for step.

    Or `of_product` itself, in its own units.
    """
    half = 1 if of_product else 2
    document = {
        "name": "",
        "data": problem.document(),
        "model": {"kind": "uv_product"} if of_product else {"kind": "diagonal", "depth": 2},
        "initialization": {"kind": "uniform", "scale": scale / half},
        "optimizer": {"kind": "gradient_descent", "step_size": step_size / half},
        "stopping": {"steps": steps},
        "recording": {"points": 0},
    }
    return run(ExperimentSpec.model_validate(document))


@cache
def sam_rows(*, of_product: bool = False) -> list[Row]:
    """The lines of descent in the notebook of Andriushchenko and Flammarion 2022."""
    printed = (
        "0.015056044189449159",
        "0.0006337885714222886",
        "0.015747762611708224",
        "0.016445781003091926",
        "0.014865600195083558",
    )
    settings = [*((*setting, 10_001) for setting in THIRTIETHS), (1, 0.1, 20_002)]
    return [
        _sam_row(*setting, text, of_product=of_product)
        for setting, text in zip(settings, (*printed, "0.014602323023706629"), strict=True)
    ]


def _sam_row(thirtieths: int, scale: float, steps: int, printed: str, *, of_product: bool) -> Row:
    done = trained(SAM, step_size=thirtieths / 30, scale=scale, steps=steps, of_product=of_product)
    (summary,) = done.summaries
    what = f"test loss, γ = {Fraction(thirtieths, 30)}, a = {scale:g}, {steps:,} steps"
    return Row(what=what, printed=printed, ours=float(summary["test_loss"] or 0.0))


@cache
def sparse_features_rows(*, of_product: bool = False) -> list[Row]:
    """The line of descent, γ = 2 and a = 0.1, of Andriushchenko et al. 2023."""
    done = trained(SPARSE_FEATURES, step_size=2.0, scale=0.1, steps=99_599, of_product=of_product)
    (summary,), (arrays,) = done.summaries, done.arrays
    parts = ("u_plus", "v_plus") if of_product else ("u_plus", "u_minus")
    norm = np.sqrt((1 if of_product else 2) * sum(np.square(arrays[part]).sum() for part in parts))
    found = {name: float(summary[name] or 0.0) for name in ("test_loss", "sharpness")}
    return [
        Row(what="test loss, 99,599 steps", printed="0.16824144824688475", ours=found["test_loss"]),
        Row(what="‖(u, v)‖ = √2·‖θ‖", printed="2.8749151062", ours=float(norm), tolerance=None),
        Row(
            what="sharpness, where 2/η = 2",
            printed="1.97",
            ours=found["sharpness"] * (2 if of_product else 1),
            tolerance=None,
        ),
    ]
