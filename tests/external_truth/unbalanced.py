"""The UV model from unbalanced layers, in the notebook of Azulay et al. 2021."""

from functools import cache
from typing import Final

import numpy as np

from core.experiment.run import run
from core.implicit_bias.gradient_flow import flow_limit_from
from core.networks.network import Diagonal
from core.spec.experiment_spec import ExperimentSpec
from tests.external_truth.row import Row

SAMPLES, DIMENSION, NONZERO = 10, 100, 5

SCALE, SHAPE, STEPS = 0.01, 0.5, 120_999
"""The notebook's α = 1e-4 is the product of the layers; its progress bar stands at 120,999."""

DESCENT: Final = (
    "-0.05772427 0.0011148 -0.00023367 0.00445458 -0.0003256 0.00021057 -0.00548506 -0.00181605 -0.05581603 -0.00136804"
)
"""The first ten entries of β where descent was stopped."""

SOLVER: Final = (
    "-0.05757536 0.00111363 -0.00022824 0.0044607 -0.00032774 0.00021206 -0.00540624 -0.00183456 -0.05590369 -0.001351"
)
"""Of the minimiser of Q, by a general solver (SLSQP, tolerance 1e-5)."""


def data() -> tuple[np.ndarray, np.ndarray]:
    """X and y as drawn after `numpy.random.seed(1993)`, of the size with which the notebook was run last."""
    rng = np.random.RandomState(1993)
    X = rng.randn(SAMPLES, DIMENSION)
    rng.randn(2000, DIMENSION)  # its held-out samples
    true_predictor = np.zeros(DIMENSION)
    true_predictor[rng.choice(DIMENSION, NONZERO, replace=False)] = 1 / np.sqrt(NONZERO)
    return X, X @ true_predictor + np.sqrt(0.01) * rng.randn(SAMPLES)


@cache
def descent_rows() -> list[Row]:
    """Gradient descent with step size 1e-3 from shape ½."""
    X, y = data()
    document = {
        "name": "",
        "data": {"kind": "inline", "X": X.tolist(), "y": y.tolist()},
        "model": {"kind": "uv", "shape": SHAPE},
        "initialization": {"kind": "uniform", "scale": SCALE},
        "optimizer": {"kind": "gradient_descent", "step_size": 1e-3},
        "stopping": {"steps": STEPS},
        "recording": {"points": 0},
    }
    (layers,) = run(ExperimentSpec.model_validate(document)).arrays
    beta = layers["u_plus"] * layers["v_plus"] - layers["u_minus"] * layers["v_minus"]
    return [
        Row(what=f"descent, entry {entry} of β", printed=text, ours=float(beta[entry]), tolerance=None)
        for entry, text in enumerate(DESCENT.split())
    ]


@cache
def solver_rows() -> list[Row]:
    """The limit of gradient flow from there, which Theorem 4.1 says minimises Q."""
    X, y = data()
    equivalent = SCALE * np.sqrt((1 + SHAPE**2) / (1 - SHAPE**2))
    beta = flow_limit_from(X, y, np.full((2, DIMENSION), equivalent), Diagonal(2)).predictor
    return [
        Row(what=f"minimiser of Q, entry {entry} of β", printed=text, ours=float(beta[entry]), tolerance=0.03)
        for entry, text in enumerate(SOLVER.split())
    ]
