"""What a data set says before any training, against numbers worked out by other ways."""

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.advice import advice, regime
from core.analysis.data import MOST_ENTRIES, analyse_data
from core.analysis.data_analysis import DataAnalysis
from core.analysis.problem import analyse_problem
from core.data.regression import Dataset
from core.data.transforms import user_dataset
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.run import run
from core.networks.network import Diagonal
from core.spec.experiment_spec import ExperimentSpec

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


def test_the_columns_one_by_one() -> None:
    """Their means, spreads and sizes, and which are constant."""
    data = np.column_stack([X, np.full(5, 7.0), 100 * X[:, 0]])
    found = analyse_data(Dataset(X=data, y=Y))
    assert found.constant_columns == (12,)
    assert found.column_means == pytest.approx([sum(column) / 5 for column in data.T])
    assert found.column_spreads == pytest.approx(
        [(sum((value - sum(column) / 5) ** 2 for value in column) / 5) ** 0.5 for column in data.T]
    )
    sizes = [(sum(value**2 for value in column) / 5) ** 0.5 for column in data.T]
    assert found.column_scale_ratio == pytest.approx(max(sizes) / min(sizes))


def test_what_depends_on_the_start_is_what_a_run_reports() -> None:
    """From the same scale; and what its flow limit and the flattest interpolator are worth on held-out samples."""
    rng = np.random.default_rng(4)
    held_out = rng.standard_normal((9, 12)) + 2.0
    body = {
        "data": {"kind": "inline", "X": X.tolist(), "y": Y.tolist(), "held_out_X": held_out.tolist()},
        "initialization": {"kind": "uniform", "scale": 0.3},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.001},
        "stopping": {"max_steps": 5},
    }
    body["data"]["held_out_y"] = rng.standard_normal(9).tolist()
    results = run(ExperimentSpec.model_validate(body))
    dataset = dataset_of(results.grid.run(0).spec.data, no_uploads)
    found = analyse_data(dataset, init_scale=0.3)
    (summary,) = results.summaries
    for name in ("start_stable_step", "flow_stable_step", "least_norm_stable_step", "max_stable_step"):
        assert getattr(found, name) == pytest.approx(summary[name], rel=1e-12)
    assert found.references["flow_limit"].test_loss == pytest.approx(summary["flow_test_loss"])
    flattest, flow = (found.references[name].test_loss for name in ("flattest", "flow_limit"))
    assert flattest is not None
    assert found.expected_gain == pytest.approx(1 - flattest / flow)


@pytest.mark.parametrize(
    ("data", "words", "transform"),
    [
        (Dataset(X=X, y=Y), "off centre", None),
        (Dataset(X=X - X.mean(axis=0), y=Y - Y.mean()), "columns are centred", None),
        (Dataset(X=np.ones((3, 1)), y=np.array([1.0, 2.0, 3.0])), "least squares, which are unique", None),
        (Dataset(X=np.ones((3, 2)), y=np.array([1.0, 2.0, 3.0])), "which are many predictors", None),
        (Dataset(X=X * np.geomspace(1e-3, 1e3, 12), y=Y), "", {"X": "standardise", "y": "centre"}),
    ],
)
def test_the_advice_is_a_spec_that_can_be_trained(data: Dataset, words: str, transform: dict[str, str] | None) -> None:
    """Its parts fit into a spec as they are; the sentences speak of what there is."""
    found = analyse_data(data)
    assert words in found.regime
    assert found.advice is not None
    assert found.advice.transform == transform
    body = {
        "data": {"kind": "inline", "X": data.X.tolist(), "y": data.y.tolist(), "transform": transform or {}},
        "initialization": {"kind": "uniform", "scale": found.init_scale},
        "optimizer": {"kind": "gradient_descent", "step_size": found.advice.step_size},
        "stopping": {"max_steps": 5},
    }
    assert len(run(ExperimentSpec.model_validate(body)).summaries) >= 3
    assert found.advice.sentences


@pytest.mark.parametrize(("ratio", "mean_share", "is_even"), [(20.0, 0.1, False), (5.0, 0.1, True), (1.0, 0.9, False)])
def test_an_eta_star_out_of_reach_is_said_to_be_so(ratio: float, mean_share: float, is_even: bool) -> None:  # noqa: FBT001
    """Where it is thirty times what is stable at the limit of the flow: leave its fractions, and standardise.

    Columns that would stay as they are call for another scale of the start, or of y.
    """
    known = analyse_data(Dataset(X=X, y=Y))
    largest = 31 * (known.flow_stable_step or 0.0)
    far = replace(known, max_stable_step=largest, column_scale_ratio=ratio, mean_share=mean_share)
    assert "does not come near" in regime(far)
    found = advice(far)
    assert (found.transform is None) is is_even
    assert any("smaller scale than 0.1" in sentence for sentence in found.sentences) is is_even
    assert found.step_size is not None
    assert max(found.step_size["values"]) == 0.9


def test_one_interpolator_leaves_nothing_to_choose() -> None:
    """As many independent samples as columns."""
    found = analyse_data(Dataset(X=X[:, :5], y=Y))
    assert found.interpolates
    assert "one predictor fits" in found.regime
    assert "sparse" not in found.regime


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Dataset(X=X, y=0 * Y), "y is 0"),
        (Dataset(X=X * np.geomspace(1, 1e3, 12), y=0 * Y), "y is 0"),
        (Dataset(X=0 * X, y=0 * Y), "Every column of X is 0:"),
        (Dataset(X=0 * X, y=Y), "Every column of X is 0:"),
        (Dataset(X=0 * X[:1], y=Y[:1]), "as one sample is once it is centred"),
    ],
)
def test_data_that_are_zero_are_said_to_be(data: Dataset, words: str) -> None:
    """No step size does anything there, and no transform helps."""
    found = analyse_data(data)
    assert words in found.regime
    assert found.advice is not None
    assert found.advice.transform is None
    assert not any(sentence.startswith("The largest column") for sentence in found.advice.sentences)


def test_one_sample_is_not_to_be_standardised() -> None:
    """It would become 0, however uneven it is."""
    found = analyse_data(Dataset(X=X[:1] * np.geomspace(1e-3, 1e3, 12), y=Y[:1]))
    assert found.advice is not None
    assert found.advice.transform is None
    assert "Leave the one sample as it is" in found.advice.sentences[0]


@pytest.mark.parametrize("centre", [5e7, 1e8, 1e9])
def test_independent_samples_that_float64_does_not_fit_are_said_to_be_ill_conditioned(centre: float) -> None:
    """No claim that nothing interpolates, which the rank contradicts; the advice leads to data that are analysed."""
    columns = np.random.default_rng(0).normal(0, 1, (4, 7))
    data = {"X": columns + centre, "y": 3 * columns[:, 0] + 5}
    found = analyse_data(Dataset(**data))
    assert (found.rank, found.interpolates) == (4, None)
    assert "4 samples are independent" in str(found.unknown_because)
    assert "centre" in found.regime
    assert found.advice is not None
    assert found.advice.transform is not None
    transformed = user_dataset(**data, transform={"offset": 0.0, **found.advice.transform})
    assert analyse_data(transformed).interpolates
    body = {
        "data": {"kind": "inline"} | {name: values.tolist() for name, values in data.items()},
        "initialization": {"kind": "uniform", "scale": 0.1},
        "optimizer": {"kind": "gradient_descent", "step_size": 1e-18},
        "stopping": {"max_steps": 5},
    }
    assert run(ExperimentSpec.model_validate(body)).summaries[0]["outcome"] is not None
