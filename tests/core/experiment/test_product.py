"""`uv_product` in whole specs: β = u∘v in the units of those who write about it."""

from typing import Any, Final

import numpy as np
import pytest
from pydantic import ValidationError

from core.experiment.run import ExperimentResults, run
from core.spec.experiment_spec import ExperimentSpec
from tests.core.problems import small_problem
from tests.external_truth.descent import SAM
from tests.reference import product_by_hand

DATA: Final = small_problem(4, samples=4, dimension=6)
UNITS: Final = {
    "sharpness": 2.0,
    "gauss_newton_sharpness": 2.0,
    "sharpness_lower_bound": 2.0,
    "sharpness_upper_bound": 2.0,
    "weighted_norm": 2.0,
    "stability_threshold": 2.0,
    "min_sharpness": 2.0,
    "step_size": 0.5,
    "end_step_size": 0.5,
    "max_stable_step": 0.5,
    "start_stable_step": 0.5,
    "flow_stable_step": 0.5,
    "least_norm_stable_step": 0.5,
    "init_scale": 0.5,
    "effective_init": 0.5,
}
"""What of the squared model is how many times that of u∘v; all else is the same."""


def trained(**parts: Any) -> ExperimentResults:
    """Of the small problem, unless it says otherwise."""
    inline = {"kind": "inline", "X": DATA.X.tolist(), "y": DATA.y.tolist()}
    document = {"data": inline, "model": {"kind": "uv_product"}, "recording": {"points": 5}} | parts
    return run(ExperimentSpec.model_validate(document))


def of_product(step_size: Any, scale: float, **parts: Any) -> ExperimentResults:
    """From u = a·1, v = 0."""
    optimizer = {"kind": "gradient_descent", "step_size": step_size}
    return trained(initialization={"kind": "uniform", "scale": scale}, optimizer=optimizer, **parts)


@pytest.mark.parametrize("warmup", [0, 30])
def test_it_walks_as_the_plain_loop_on_u_and_v(warmup: int) -> None:
    """Step γ from u = a·1 and v = 0, for exactly so many steps, with a warm-up or without."""
    results = trained(
        initialization={"kind": "uniform", "scale": 0.3},
        optimizer={"kind": "gradient_descent", "step_size": 0.05, "warmup_steps": warmup},
        stopping={"steps": 200},
    )
    (summary,), (arrays,) = results.summaries, results.arrays
    steps = [0.05 * min(1, (t + 1) / max(warmup, 1)) for t in range(200)]
    u, v = product_by_hand.descend(DATA.X, DATA.y, np.full(6, 0.3), np.zeros(6), steps)
    np.testing.assert_allclose(arrays["u_plus"], u, rtol=1e-11)
    np.testing.assert_allclose(arrays["v_plus"], v, rtol=1e-11, atol=1e-13)
    assert not arrays["u_minus"].any()
    assert not arrays["v_minus"].any()
    assert summary["sharpness"] == pytest.approx(product_by_hand.sharpness(DATA.X, DATA.y, u, v), rel=1e-5)
    assert summary["stability_threshold"] == 2 / 0.05
    assert (summary["network"], summary["depth"], summary["init_scale"]) == ("uv_product", 2, 0.3)
    effective = np.sqrt(np.abs(u**2 - v**2)).mean()
    assert summary["effective_init"] == pytest.approx(effective, rel=1e-9)
    assert float(summary["certificate_residual"] or 1) < 1e-12


def test_it_is_the_squared_model_at_half_the_step_and_half_the_scale() -> None:
    """Whatever is told of a run: the same, or in units of (u, v)."""
    (product,) = of_product(0.08, 0.4).summaries
    squared = trained(
        model={"kind": "diagonal"},
        initialization={"kind": "uniform", "scale": 0.2},
        optimizer={"kind": "gradient_descent", "step_size": 0.04},
    )
    (other,) = squared.summaries
    assert product["outcome"] == other["outcome"] == "converged"
    rounding = {"sharpness_residual", "certificate_residual", "limit_error", "sensitivity", "smallest_parameter"}
    rounding |= {
        "train_loss",
        "iterate_train_loss",
        "completion_error_estimate",
        "completion_error_bound",
        "risk_error",
    }
    compared = 0
    for name, value in product.items():
        if isinstance(value, float) and name not in rounding:
            compared += 1
            assert value * UNITS.get(name, 1.0) == pytest.approx(other[name], rel=1e-6), name
    assert compared > len(UNITS)


def test_its_largest_stable_step_is_twice_that_of_the_squared_model() -> None:
    """So that fractions of it are the same runs."""
    fractions = {"fractions_of_max_stable": [0.5]}
    (product,) = of_product(fractions, 0.4).summaries
    (squared,) = trained(
        model={"kind": "diagonal"},
        initialization={"kind": "uniform", "scale": 0.2},
        optimizer={"kind": "gradient_descent", "step_size": fractions},
    ).summaries
    assert float(product["step_size"] or 0) == pytest.approx(2 * float(squared["step_size"] or 0), rel=1e-9)
    assert product["l1_norm"] == pytest.approx(squared["l1_norm"], rel=1e-6)


def test_both_layers_may_be_given() -> None:
    """As u and v, where the implicit bias is that of √|u² − v²| and of the predictor at the start."""
    rng = np.random.default_rng(8)
    u, v = rng.uniform(-1, 1, (2, 6))
    results = trained(
        initialization={"kind": "parameters", "u_plus": u.tolist(), "v_plus": v.tolist(), "scale": 0.5},
        optimizer={"kind": "gradient_descent", "step_size": 0.05},
        stopping={"steps": 100},
    )
    (summary,), (arrays,) = results.summaries, results.arrays
    by_hand = product_by_hand.descend(DATA.X, DATA.y, 0.5 * u, 0.5 * v, [0.05] * 100)
    np.testing.assert_allclose([arrays["u_plus"], arrays["v_plus"]], by_hand, rtol=1e-10)
    assert float(summary["certificate_residual"] or 1) < 1e-11


@pytest.mark.parametrize(
    ("thirtieths", "scale", "printed"), [(5, 0.1, 0.015056044189449159), (10, 0.1, 0.015747762611708224)]
)
def test_what_others_printed_is_found_in_their_units(thirtieths: int, scale: float, printed: float) -> None:
    """Test losses of the notebook of Andriushchenko and Flammarion 2022, by γ and a."""
    data = dict(SAM.document())
    (summary,) = of_product(thirtieths / 30, scale, data=data, stopping={"steps": 10_001}).summaries
    assert summary["test_loss"] == pytest.approx(printed, rel=1e-11)


@pytest.mark.parametrize(
    ("initialization", "complaint"),
    [
        ({"kind": "parameters", "u_plus": 1.0, "u_minus": 1.0}, "uv_product starts from u_plus, v_plus"),
        ({"kind": "normal", "scale": 1.0, "independent": True}, "uv_product has none"),
    ],
)
def test_a_start_of_other_parts_is_refused(initialization: dict[str, Any], complaint: str) -> None:
    """There is no negative half."""
    with pytest.raises(ValidationError, match=complaint):
        trained(initialization=initialization, optimizer={"kind": "gradient_descent", "step_size": 0.1})
