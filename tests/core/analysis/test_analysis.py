"""Analyses of data sets and runs, where float64 comes to its ends."""

import math

import numpy as np
import pytest

from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.analysis.run_analysis import RunAnalysis
from core.data.regression import Dataset
from core.descent.optimizers import FullBatch
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from core.training.training_run import TrainedRun, TrainingRun
from core.training.trajectory import QUANTITIES, trajectory
from tests.core.problems import paper_problem

SQUARED = Diagonal(2)


def _trained(data: Dataset, init_scale: float) -> TrainedRun:
    """A run that has not moved."""
    run = TrainingRun(
        index=0,
        step_size=0.01,
        initial=np.full((2, data.X.shape[1]), init_scale),
        optimizer=FullBatch(),
        warmup_steps=0,
        loss_tolerance=1e-8,
        max_steps=1,
        perturb_unstable=True,
        record_points=0,
        seed=0,
    )
    return TrainedRun(
        run=run,
        outcome=Outcome.BUDGET_EXHAUSTED,
        loss=1.0,
        steps=1,
        perturbations=0,
        theta=run.initial,
        gradient_sum=np.zeros(data.X.shape[1]),
        trajectory=trajectory(np.zeros(0, dtype=np.int64), np.zeros((0, len(QUANTITIES)))),
    )


def _scaled(X_factor: float, y_factor: float) -> Dataset:
    data = paper_problem()
    return Dataset(X=X_factor * data.X, y=y_factor * data.y)


@pytest.mark.parametrize("init_scale", [1e-170, 1e-153, 1e154, 1e200])
def test_a_scale_whose_flow_limit_is_out_of_reach_has_none(init_scale: float) -> None:
    """Null, and no error that would take the other runs of the batch along."""
    data = paper_problem()
    analysis = RunAnalysis(data, SQUARED, analyse_problem(data, SQUARED, "key").analysis)
    assert analysis.summary(_trained(data, init_scale), init_scale=0.1, kernel_id="here")["flow_test_loss"] is None
    assert analysis.summary(_trained(data, 0.1), init_scale=0.1, kernel_id="here")["flow_test_loss"] is not None


@pytest.mark.parametrize(
    ("X_factor", "y_factor"), [(1e-300, 1.0), (1e-160, 1e-160), (1e160, 1.0), (1e200, 1e200), (1.0, 1e-160)]
)
def test_data_beyond_float64_have_an_analysis_of_nulls_and_its_reason(X_factor: float, y_factor: float) -> None:
    """An experiment with step sizes in numbers can go on; nothing false is said of interpolators."""
    data = _scaled(X_factor, y_factor)
    analysis = analyse_problem(data, SQUARED, "key").analysis
    assert ProblemAnalysis.from_json(analysis.to_json()) == analysis
    assert "could not be computed in float64" in str(analysis.no_interpolator)
    assert (analysis.interpolators, analysis.max_stable_step, analysis.never_stable_above) == ({}, None, None)
    assert (
        RunAnalysis(data, SQUARED, analysis).summary(_trained(data, 0.1), init_scale=0.1, kernel_id="here")[
            "flow_test_loss"
        ]
        is None
    )


@pytest.mark.parametrize(("X_factor", "y_factor"), [(1e-70, 1e70), (1e70, 1e-70), (1e-120, 1.0), (1.0, 1e120)])
def test_units_whose_quotient_no_square_can_hold_are_refused(X_factor: float, y_factor: float) -> None:
    """β is of order y/X, and so are the norms of it."""
    analysis = analyse_problem(_scaled(X_factor, y_factor), SQUARED, "key").analysis
    assert "scale them" in str(analysis.no_interpolator)


@pytest.mark.parametrize("factor", [1e-60, 1.0, 1e60])
def test_the_largest_stable_step_scales_with_the_data(factor: float) -> None:
    """The sharpness of an interpolator is of order X·y, in any units that are taken."""
    plain, scaled = (analyse_problem(_scaled(by, by), SQUARED, "key").analysis.max_stable_step for by in (1.0, factor))
    assert math.isclose(scaled * factor * factor, plain, rel_tol=1e-6)


def test_data_of_zeros_are_interpolated_by_zero() -> None:
    """And by everything else; every step size is stable."""
    analysis = analyse_problem(Dataset(X=np.zeros((2, 3)), y=np.zeros(2)), SQUARED, "key").analysis
    assert analysis.no_interpolator is None
    assert analysis.max_stable_step is None


@pytest.mark.parametrize("network", [SQUARED, Diagonal(4), UV()])
def test_where_nothing_interpolates_it_is_known_above_what_no_least_squares_are_stable(network: Network) -> None:
    """Unique least squares have one sharpness at their flattest parameters; dependent columns leave a choice."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(1.0, 1.0, (9, 4)), rng.normal(0.0, 1.0, 9)
    analysis = analyse_problem(Dataset(X=X, y=y), network, "key").analysis
    weights = network.least_tangent_weights(np.linalg.solve(X.T @ X, X.T @ y))
    top = float(np.linalg.eigvalsh((X * weights) @ X.T / 9)[-1])
    assert analysis.no_interpolator is not None
    assert (analysis.max_stable_step, analysis.min_sharpness_lower) == (None, None)
    assert analysis.never_stable_above == pytest.approx(2 / top, rel=1e-6)
    twice = analyse_problem(Dataset(X=np.hstack([X, X]), y=y), network, "key").analysis
    assert twice.never_stable_above is not None
    assert twice.never_stable_above >= 2 / top * (1 - 1e-6)
