"""What other papers show, on a few runs of their presets."""

from typing import Any

import numpy as np
import pytest

from core.data.regression import excess_risk
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.run import ExperimentResults, run
from core.presets import preset
from core.spec.experiment_spec import ExperimentSpec


def _some(name: str, **parts: dict[str, Any]) -> ExperimentResults:
    """The quick size of a preset with other values in parts of it."""
    document = preset(name, "quick").model_dump(mode="json")
    for part, changes in parts.items():
        document[part] |= changes
    return run(ExperimentSpec.model_validate(document))


def _risks(done: ExperimentResults) -> list[float]:
    return [float(summary["excess_risk"] or 0.0) for summary in done.summaries]


def test_depth_makes_the_way_from_rich_to_kernel_sharper() -> None:
    """At depth 3 a tenth of the scale is enough to come from near least ℓ2 to near least ℓ1 norm."""
    done = _some("woodworth-2020", initialization={"scale": {"values": [0.03, 0.3]}})
    (analysis, *_) = done.analyses.values()
    least = {name: float(analysis.interpolators[name].excess_risk or 0.0) for name in ("min_l1", "min_l2")}
    (shallow_low, shallow_high), (deep_low, deep_high) = np.reshape(_risks(done), (2, 2))
    assert deep_low < 1.2 * least["min_l1"] < 10 * least["min_l1"] < shallow_low
    assert 0.85 * least["min_l2"] < deep_high < shallow_high < least["min_l2"]


def test_unbalanced_layers_end_where_a_larger_scale_does() -> None:
    """At √((1+s²)/(1−s²)) times the scale: with s = .99 nearly ten times."""
    unbalanced = _some("azulay-2021", model={"shape": 0.99}, initialization={"scale": 0.01})
    scale = 0.01 * np.sqrt((1 + 0.99**2) / (1 - 0.99**2))
    balanced = _some("azulay-2021", model={"shape": 0.0}, initialization={"scale": float(scale)})
    assert _risks(unbalanced) == pytest.approx(_risks(balanced), rel=0.01)


def test_a_run_that_is_stopped_early_is_as_good_as_the_least_squares_on_the_true_support() -> None:
    """From a scale of 1e-5, and from .1 it is not."""
    done = _some("vaskevicius-2019", initialization={"scale": {"values": [1e-5, 0.1]}}, stopping={"steps": 400})
    data = dataset_of(done.grid.run(0).spec.data, no_uploads)
    oracle = np.zeros(data.X.shape[1])
    oracle[:5] = np.linalg.lstsq(data.X[:, :5], data.y)[0]
    small, large = (float(arrays["excess_risk"].min()) for arrays in done.arrays)
    assert small < 1.1 * excess_risk(oracle, data)
    assert large > 100 * excess_risk(oracle, data)


def test_label_noise_leaves_a_large_start_behind() -> None:
    """A hundred times less risk after 30,000 steps of it."""
    optimizer = {"noise_variance": {"values": [1e-6, 40.0]}, "noise_steps": 30_000}
    without, noisy = _risks(_some("haochen-2021", initialization={"scale": 1.0}, optimizer=optimizer))
    assert 100 * noisy < without


def test_single_samples_start_from_less_the_larger_the_step() -> None:
    """And full batches do not."""
    optimizer = {"step_size": {"values": [0.01, 0.08]}, "seed": 0}
    done = _some("pesme-2021", initialization={"scale": 0.03}, optimizer=optimizer)
    found = np.reshape([float(summary["effective_init"] or 0.0) for summary in done.summaries], (2, 2))
    names = [axis.name for axis in done.grid.axes if len(axis.values) > 1]
    assert names == ["step_size", "batch_size"]
    (slow, slow_full), (fast, fast_full) = found / 0.03
    assert fast < 0.8
    assert 0.95 < slow < 1
    assert 0.99 < fast_full < slow_full < 1


def test_beyond_the_edge_gradient_descent_gets_worse_where_single_samples_got_better() -> None:
    """Of the largest steps at which either converges."""
    slow = _some("even-2023", optimizer={"step_size": 0.01, "seed": 0})
    single = _some("even-2023", optimizer={"step_size": 0.3, "batch_size": 1, "seed": 0})
    full = _some("even-2023", optimizer={"step_size": 1.6, "batch_size": 20, "seed": 0})
    assert _risks(single)[0] < min(_risks(slow)) / 5
    assert _risks(full)[0] > 10 * max(_risks(slow))


def test_momentum_matters_the_less_the_smaller_the_effective_step_size() -> None:
    """By as much as λ is smaller."""
    optimizer = {"momentum": {"values": [0.0, 0.9]}, "step_size": {"effective_step_sizes": [0.01, 0.1]}}
    done = _some("papazov-2024", data={"seed": 0}, optimizer=optimizer)
    risks = np.reshape(_risks(done), (2, 2))
    small, large = np.abs(risks[:, 1] / risks[:, 0] - 1)
    assert large / small == pytest.approx(10, rel=0.1)
    assert large < 0.02


def test_an_ascent_of_each_sample_helps_and_one_along_the_mean_gradient_does_not() -> None:
    """Of four data sets: the one is ten times better on all, the other worse on most."""
    changes = {"step_size": 1 / 3, "rho": {"values": [0.002, 0.2]}}
    for name, judged in (("1-sam", [True] * 4), ("n-sam", [False] * 4)):
        done = _some(f"andriushchenko-2022-{name}", data={"seed": {"values": [2, 4, 5, 7]}}, optimizer=changes)
        little, much = np.reshape(_risks(done), (4, 2)).T
        assert (much < little).tolist() == judged
        assert (much < little / 4).tolist() == judged


def test_large_steps_that_fall_slowly_end_at_a_lower_risk_than_those_that_fall_at_once() -> None:
    """Whatever the draw; small steps do not care."""
    changes = {"step_size": {"values": [0.05, 0.24]}, "schedule_steps": {"values": [1000, 10_000]}}
    done = _some("andriushchenko-2023", optimizer=changes | {"seed": {"values": [0, 1, 2]}}, stopping={"steps": 30_000})
    names = [axis.name for axis in done.grid.axes if len(axis.values) > 1]
    assert names == ["step_size", "schedule_steps", "optimizer_seed"]
    (fast_small, slow_small), (fast, slow) = np.reshape(_risks(done), (2, 2, 3))
    assert 10 * slow.max() < fast.min()
    assert slow_small.min() > 0.8 * fast_small.max()


def test_runs_end_below_the_threshold_of_the_mean_square_or_not_far_above() -> None:
    """Which grows with the batch size; somewhat beyond it they diverge."""
    for batch_size, below, beyond in ((1, 0.2, 0.5), (2, 0.4, 0.9), (5, 0.8, 1.5)):
        optimizer = {"batch_size": batch_size, "step_size": {"values": [below, beyond]}, "seed": 0}
        stable, gone = _some("mulayoff-2024", optimizer=optimizer).summaries
        assert below < float(stable["mean_square_stable_step"] or 0.0) < beyond
        assert [stable["outcome"], gone["outcome"]] == ["converged", "diverged"]
