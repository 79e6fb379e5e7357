"""The references of problems that nothing interpolates."""

import numpy as np
import pytest

from core.analysis import penalised
from core.analysis.penalised import MOST_COLUMNS
from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.data.regression import Dataset, HeldOut
from core.interpolators.penalised import Penalised
from core.networks.network import Diagonal
from tests.core.problems import small_problem


def noisy(dimension: int = 4, samples: int = 12) -> Dataset:
    """More samples than dimensions, with held-out ones."""
    rng = np.random.default_rng(2)
    held_out = HeldOut(X=rng.standard_normal((7, dimension)), y=rng.standard_normal(7))
    return Dataset(X=rng.standard_normal((samples, dimension)), y=rng.standard_normal(samples), held_out=held_out)


def test_where_nothing_interpolates_there_are_ridge_and_lasso() -> None:
    """By growing norm, towards the least squares; with their losses on both sets."""
    data = noisy()
    analysis = analyse_problem(data, Diagonal(2), "key").analysis
    assert analysis.no_interpolator is not None
    assert ProblemAnalysis.from_json(analysis.to_json()) == analysis
    assert analysis.least_squares is not None
    beta = np.linalg.lstsq(data.X, data.y)[0]
    assert data.held_out is not None
    assert analysis.least_squares.test_loss == pytest.approx(
        sum((data.held_out.X @ beta - data.held_out.y) ** 2) / (2 * 7)
    )
    for path, norm in ((analysis.ridge, "l2_norm"), (analysis.lasso, "l1_norm")):
        norms = [getattr(point, norm) / getattr(analysis.least_squares, norm) for point in path]
        assert norms == pytest.approx([0.1, 0.25, 0.5, 0.75, 0.9])
        losses = [point.train_loss or 0.0 for point in (*path, analysis.least_squares)]
        assert losses == sorted(losses, reverse=True)


def test_where_something_interpolates_there_are_none() -> None:
    """Interpolators are the references there."""
    analysis = analyse_problem(small_problem(0), Diagonal(2), "key").analysis
    assert (analysis.least_squares, analysis.ridge, analysis.lasso) == (None, (), ())


def test_paths_of_many_columns_are_left_out() -> None:
    """The least squares are not."""
    data = noisy(MOST_COLUMNS + 1, MOST_COLUMNS + 9)
    analysis = analyse_problem(data, Diagonal(2), "key").analysis
    assert analysis.least_squares is not None
    assert (analysis.ridge, analysis.lasso) == ((), ())
    assert "up to 200 columns" in str(analysis.penalised_left_out)


def test_what_is_not_reported_is_counted_and_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that fails, is empty or is not proven leaves the others where they are."""

    def fails(*_: object) -> list[Penalised]:
        raise ValueError("no such path")

    def half_proven(*_: object) -> list[Penalised]:
        return [Penalised(predictor=np.ones(4), penalty=1.0, gap=gap) for gap in (1e-12, np.nan, 1e-3)]

    assert analyse_problem(noisy(), Diagonal(2), "key").analysis.penalised_left_out is None
    for path, words, kept in (
        (fails, "lasso: not found in float64 (no such path)", 0),
        (lambda *_: [], "could not be followed", 0),
        (half_proven, "lasso: 2 of 3 predictors are left out, not proven", 1),
    ):
        monkeypatch.setattr(penalised, "lasso_path", path)
        analysis = analyse_problem(noisy(), Diagonal(2), "key").analysis
        assert words in str(analysis.penalised_left_out)
        assert (len(analysis.ridge), len(analysis.lasso)) == (5, kept)
        assert ProblemAnalysis.from_json(analysis.to_json()) == analysis
