"""What a data set says before any training, against numbers worked out by other ways."""

import numpy as np
import pytest

from core.analysis.data import MOST_ENTRIES, analyse_data
from core.analysis.data_analysis import DataAnalysis
from core.analysis.problem import analyse_problem
from core.data.regression import Dataset
from core.networks.network import Diagonal

RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal((5, 12)) + 2.0, RNG.standard_normal(5)


def test_the_data_by_themselves() -> None:
    """Rank, spectrum and centring, by their definitions."""
    found = analyse_data(Dataset(X=np.vstack([X, X[:1]]), y=np.append(Y, Y[0])))
    data = np.vstack([X, X[:1]])
    top = max(np.linalg.eigvalsh(data.T @ data / 6))
    assert (found.samples, found.dimension, found.rank) == (6, 12, 5)
    assert found.largest_eigenvalue == pytest.approx(top)
    assert found.linear_max_step == pytest.approx(2 / top)
    assert found.mean_share == pytest.approx(sum(data.mean(axis=0) ** 2) / sum((data**2).mean(axis=0)))
    ratios = [abs(column.mean()) / column.std() for column in data.T]
    assert found.mean_to_spread == pytest.approx(sorted(ratios)[5] / 2 + sorted(ratios)[6] / 2)
    assert found.target_mean == pytest.approx(np.append(Y, Y[0]).mean())


def test_where_steps_are_stable() -> None:
    """The flattest interpolator is that of an experiment; the one of least norm is no flatter."""
    found = analyse_data(Dataset(X=X, y=Y))
    known = analyse_problem(Dataset(X=X, y=Y), Diagonal(2), "key").analysis
    assert (found.network, found.max_stable_step) == (known.network, known.max_stable_step)
    assert found.never_stable_above == known.never_stable_above
    least_norm = np.linalg.pinv(X) @ Y
    hessian = X @ np.diag(4 * np.abs(least_norm)) @ X.T / 5
    assert found.least_norm_stable_step == pytest.approx(2 / max(np.linalg.eigvalsh(hessian)))
    assert found.unknown_because is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (Dataset(X=np.ones((3, 1)), y=np.array([1.0, 2.0, 3.0])), "no predictor fits"),
        (Dataset(X=np.ones((1, MOST_ENTRIES + 1)), y=np.ones(1)), "when an experiment is planned"),
    ],
)
def test_what_is_not_known_has_a_reason(data: Dataset, reason: str) -> None:
    """Nothing interpolates, or the search takes too long to be waited for."""
    found = analyse_data(data)
    assert found.max_stable_step is None
    assert reason in str(found.unknown_because)
    assert found.largest_eigenvalue is not None


@pytest.mark.parametrize("data", [Dataset(X=np.zeros((2, 3)), y=np.zeros(2)), Dataset(X=X, y=Y), Dataset(X=X, y=0 * Y)])
def test_the_document_says_everything(data: Dataset) -> None:
    """Also of data that are zero, where ratios are not."""
    found = analyse_data(data)
    assert DataAnalysis.from_json(found.to_json()) == found
