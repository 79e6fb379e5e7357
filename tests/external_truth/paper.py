"""The setting of the paper: numbers of it that other programs found, and what theorems say of its data."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import numpy as np

from core.data.regression import sparse_regression
from core.experiment.run import ExperimentResults, run
from core.implicit_bias.gradient_flow import flow_limit_from
from core.networks.network import Diagonal
from core.spec.experiment_spec import ExperimentSpec
from tests.external_truth.row import Bound, Row

ONE_STEP: Final = {"kind": "gradient_descent", "step_size": 1e-4}

LABEL_NOISE_SEEDS: Final = 4


def _ran(**parts: Mapping[str, Any]) -> ExperimentResults:
    """The default data, with other parts than one step of descent from α = 1 where these are given."""
    document = {
        "name": "",
        "data": {"kind": "sparse_regression"},
        "initialization": {"kind": "uniform", "scale": 1.0},
        "optimizer": ONE_STEP,
        "stopping": {"steps": 1},
        "recording": {"points": 0, "sensitivity": False},
    }
    return run(ExperimentSpec.model_validate(document | parts))


@cache
def rows() -> list[Row]:
    """Least sharpness, reference interpolators, and where step sizes lead, all of data seed 0."""
    return [*_flattest(), *_interpolators(), *_effective_initialisations(), *_on_the_way()]


def _flattest() -> list[Row]:
    least = {2: ("250.1726", ".0079945"), 3: ("374.1943", ".0053448"), 4: ("508.5725", ".0039326")}
    found = _ran(model={"kind": "diagonal", "depth": {"values": list(least)}}).summaries
    (untied,) = _ran(model={"kind": "uv"}).summaries
    rows = []
    for (depth, printed), summary in zip(least.items(), found, strict=True):
        for text, name, what in zip(
            printed, ("min_sharpness", "max_stable_step"), ("min λ_max", "2/min λ_max"), strict=True
        ):
            rows.append(Row(what=f"{what}, D = {depth}", printed=text, ours=_number(summary, name), tolerance=None))
    ours = _number(untied, "min_sharpness")
    return [*rows, Row(what="min λ_max, UV", printed="125.0863", ours=ours, tolerance=None)]


INTERPOLATORS: Final = {
    0.0: {"flattest": "2.2", "min_l1": ".0098", "min_l2": "1.38"},
    5.0: {"min_l1": ".0079", "min_l2": "1.30"},
}


def _interpolators() -> list[Row]:
    analyses = _ran(data={"kind": "sparse_regression", "mean": {"values": list(INTERPOLATORS)}}).analyses.values()
    return [
        Row(
            what=f"excess risk of `{name}`, μ = {mean:g}",
            printed=text,
            ours=float(analysis.interpolators[name].excess_risk or 0.0),
            tolerance=None,
        )
        for (mean, printed), analysis in zip(INTERPOLATORS.items(), analyses, strict=True)
        for name, text in printed.items()
    ]


def _effective_initialisations() -> list[Row]:
    printed = {1e-3: ".31", 4e-3: ".11", 7e-3: ".04"}
    optimizer = {"kind": "gradient_descent", "step_size": {"values": list(printed)}, "warmup_steps": 100_000}
    found = _ran(optimizer=optimizer, stopping={}).summaries
    return [
        Row(
            what=f"mean √A at the end, α = 1, η = {step_size:g}",
            printed=text,
            ours=_number(summary, "effective_init"),
            tolerance=None,
        )
        for (step_size, text), summary in zip(printed.items(), found, strict=True)
    ]


def _on_the_way() -> list[Row]:
    start = {"kind": "uniform", "scale": 0.03}
    (summary,) = _ran(initialization=start, stopping={"steps": 57_000}).summaries
    loss = _number(summary, "train_loss")
    return [Row(what="training loss after 57,000 steps, α = .03, η = 1e-4", printed=".0027", ours=loss, tolerance=None)]


def _number(summary: Mapping[str, Any], name: str) -> float:
    return float(summary[name] or 0.0)


@cache
def label_noise_rows() -> list[Row]:
    """The excess risk of label-noise descent at μ = 0, whose noise is off for the last steps: α = 1, η = .01.

    Of each variance the mean over seeds of the noise; these differ by a few thousandths of it.
    """
    printed = {1.0: ".013", 4.0: ".010"}
    optimizer = {
        "kind": "label_noise",
        "step_size": 0.01,
        "noise_variance": {"values": list(printed)},
        "noise_steps": 380_000,
        "seed": {"values": list(range(LABEL_NOISE_SEEDS))},
    }
    found = _ran(data={"kind": "sparse_regression", "mean": 0.0}, optimizer=optimizer, stopping={}).summaries
    risks = np.array([_number(summary, "excess_risk") for summary in found]).reshape(len(printed), -1)
    return [
        Row(what=f"excess risk, noise variance {variance:g}", printed=text, ours=float(column.mean()), tolerance=None)
        for (variance, text), column in zip(printed.items(), risks, strict=True)
    ]


@cache
def woodworth_bounds() -> list[Bound]:
    """Theorem 2 of Woodworth et al. 2020: how small α suffices for ℓ1, how large for ℓ2, up to a factor 1 + ε."""
    data = sparse_regression(samples=50, dimension=100, sparsity=5, mean=5.0, variance=5.0, noise_variance=0.01, seed=0)
    (analysis,) = _ran().analyses.values()
    least = {name: analysis.interpolators[name] for name in ("min_l1", "min_l2")}
    l1, l2 = least["min_l1"].l1_norm, least["min_l2"].l2_norm
    bounds: list[Bound] = []
    for epsilon in (2.0, 1.0, 0.5, 0.2):
        small = min((2 * (1 + epsilon) * l1) ** (-(2 + epsilon) / (2 * epsilon)), math.exp(-100 / (epsilon * l1)))
        large = math.sqrt(2 * (1 + epsilon) * (1 + 2 / epsilon) * l2)
        rich, kernel = (_flow(data.X, data.y, scale) for scale in (small, large))
        bounds += [
            Bound(what=f"‖β‖₁/min ‖β‖₁ − 1, α = {small:.2g}", bound=epsilon, ours=float(np.abs(rich).sum()) / l1 - 1),
            Bound(what=f"‖β‖₂²/min ‖β‖₂² − 1, α = {large:.3g}", bound=epsilon, ours=float(kernel @ kernel) / l2**2 - 1),
        ]
    return bounds


def _flow(X: np.ndarray, y: np.ndarray, scale: float) -> np.ndarray:
    return flow_limit_from(X, y, np.full((2, X.shape[1]), scale), Diagonal(2)).predictor
