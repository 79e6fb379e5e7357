"""Starts that are given part by part, in whole specs: u₊ ≠ u₋, layers of different scales, any θ."""

from typing import Any, Final

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.linalg import null_space
from scipy.optimize import minimize

from core.experiment.run import ExperimentResults, run
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.problems import small_problem
from tests.reference import network_by_hand

DATA: Final = small_problem(11, samples=2, dimension=5)
RNG: Final = np.random.default_rng(12)
PLUS, MINUS, V_PLUS, V_MINUS = RNG.uniform(0.3, 1.0, (4, 5)).tolist()


def spec_of(initialization: dict[str, Any], **parts: Any) -> ExperimentSpec:
    """On a small problem of two samples and five features."""
    document: dict[str, Any] = {
        "data": {"kind": "inline", "X": DATA.X.tolist(), "y": DATA.y.tolist()},
        "initialization": {"kind": "parameters"} | initialization,
        "optimizer": {"kind": "gradient_descent", "step_size": 0.01},
    }
    return ExperimentSpec.model_validate(document | parts)


def trained(initialization: dict[str, Any], **parts: Any) -> ExperimentResults:
    """The results of that."""
    return run(spec_of(initialization, **parts))


def by_hand(theta: list[list[float]], depth: int | None, steps: int) -> list[list[float]]:
    """Plain descent with step 0.01."""
    X, y = DATA.X.tolist(), DATA.y.tolist()
    for _ in range(steps):
        left = network_by_hand.residuals(X, y, theta, depth)
        slopes = network_by_hand.slopes(theta, depth)
        gradient = [sum(row[i] * r for row, r in zip(X, left, strict=True)) / len(y) for i in range(5)]
        theta = [
            [value - 0.01 * slope * g for value, slope, g in zip(part, along, gradient, strict=True)]
            for part, along in zip(theta, slopes, strict=True)
        ]
    return theta


@pytest.mark.parametrize(
    ("model", "given", "depth"),
    [
        ({"kind": "diagonal"}, {"u_plus": PLUS, "u_minus": MINUS}, 2),
        ({"kind": "diagonal"}, {"u_plus": 1.0, "u_minus": 0.25}, 2),
        ({"kind": "diagonal", "depth": 3}, {"u_plus": PLUS, "u_minus": 0.5}, 3),
        ({"kind": "uv"}, {"u_plus": PLUS, "u_minus": MINUS, "v_plus": V_PLUS, "v_minus": V_MINUS}, None),
        ({"kind": "uv"}, {"u_plus": 1.0, "u_minus": 1.0, "v_plus": 0.2, "v_minus": 0.2}, None),
    ],
)
def test_runs_start_there_and_walk_as_the_plain_loop(
    model: dict[str, Any], given: dict[str, Any], depth: int | None
) -> None:
    """θ(0) = α·(what is given), a number being that of every coordinate; the certificate holds where there is one."""
    results = trained({"scale": 0.8} | given, model=model, stopping={"steps": 60})
    (summary,), (arrays,) = results.summaries, results.arrays
    start = [(0.8 * np.broadcast_to(value, 5)).tolist() for value in given.values()]
    for part, values in zip(given, by_hand(start, depth, 60), strict=True):
        np.testing.assert_allclose(arrays[part], values, rtol=1e-12)
    residual = summary["certificate_residual"]
    assert residual is None if depth == 3 else float(residual or 1) < 1e-12


def test_a_slow_run_ends_nearest_to_its_start_in_the_divergence_of_the_potential() -> None:
    """Found anew by a general optimiser: D(β, β(0)) of ψ' = asinh(β/2A), over all interpolators.

    With u₊ ≠ u₋ the predictor of the start is not 0, and it is the start that the run stays near to, not 0.
    """
    plus, minus = np.array(PLUS), np.array(MINUS)
    product, first = plus * minus, plus**2 - minus**2

    def divergence(predictor: np.ndarray) -> float:
        slope = np.arcsinh(first / (2 * product))
        values = [b * np.arcsinh(b / (2 * product)) - np.hypot(b, 2 * product) for b in (predictor, first)]
        return float((values[0] - values[1] - slope * (predictor - first)).sum())

    some, free = np.linalg.lstsq(DATA.X, DATA.y)[0], null_space(DATA.X)
    found = minimize(lambda z: divergence(some + free @ z), np.zeros(free.shape[1]), method="BFGS", tol=1e-12)
    nearest = some + free @ found.x
    (arrays,) = trained(
        {"u_plus": PLUS, "u_minus": MINUS}, optimizer={"kind": "gradient_descent", "step_size": 2e-5}
    ).arrays
    np.testing.assert_allclose(arrays["u_plus"] ** 2 - arrays["u_minus"] ** 2, nearest, atol=2e-4)
    origin = trained(
        {"u_plus": np.sqrt(product).tolist(), "u_minus": np.sqrt(product).tolist()},
        optimizer={"kind": "gradient_descent", "step_size": 2e-5},
    ).arrays[0]
    assert np.abs(origin["u_plus"] ** 2 - origin["u_minus"] ** 2 - nearest).max() > 0.01


def test_two_numbers_that_are_equal_are_the_uniform_start() -> None:
    """The same bits; another document, hence another key."""
    given = trained({"scale": 0.1, "u_plus": 1.0, "u_minus": 1.0})
    document = given.grid.spec.model_dump(mode="json") | {"initialization": {"kind": "uniform", "scale": 0.1}}
    uniform = run(ExperimentSpec.model_validate(document))
    assert np.array_equal(given.arrays[0]["u_plus"], uniform.arrays[0]["u_plus"])
    assert given.grid.run(0).key != uniform.grid.run(0).key


def test_a_half_that_is_zero_stays_zero_and_has_no_certificate() -> None:
    """β = u₊² alone: it converges where it can, and nothing is claimed of an implicit bias."""
    data = {"kind": "inline", "X": [[1.0, 0.5, 0.2], [0.3, 1.0, 0.4]], "y": [1.0, 1.2]}
    results = trained(
        {"scale": 0.3, "u_plus": 1.0, "u_minus": 0.0},
        data=data,
        optimizer={"kind": "gradient_descent", "step_size": 0.1},
    )
    (summary,), (arrays,) = results.summaries, results.arrays
    assert (summary["outcome"], summary["finished_by"]) == ("converged", "iteration")
    assert not arrays["u_minus"].any()
    assert summary["certificate_residual"] is None
    assert summary["flow_stable_step"] is None
    assert summary["effective_init"] == 0
    np.testing.assert_allclose(np.array(data["X"]) @ arrays["u_plus"] ** 2, data["y"], rtol=1e-4)


def test_parts_are_axes() -> None:
    """A number of theirs can be swept, by its own name; so can α."""
    grid = Grid(spec_of({"scale": {"values": [0.1, 1.0]}, "u_plus": 1.0, "u_minus": {"values": [0.0, 0.5, 1.0]}}))
    assert {axis.name: axis.values for axis in grid.axes} == {"init_scale": (0.1, 1.0), "u_minus": (0.0, 0.5, 1.0)}
    assert len({run.key for run in grid.runs()}) == 6
    assert ExperimentSpec.model_validate_json(grid.spec.canonical()) == grid.spec


@pytest.mark.parametrize(
    ("initialization", "parts", "complaint"),
    [
        ({"u_plus": 1.0}, {}, "diagonal starts from u_plus, u_minus"),
        ({"u_plus": 1.0, "u_minus": 1.0, "v_plus": 1.0}, {}, "diagonal starts from u_plus, u_minus"),
        ({"u_plus": 1.0, "u_minus": 1.0}, {"model": {"kind": "uv"}}, "uv starts from u_plus, u_minus, v_plus, v_minus"),
        ({"u_plus": [1.0, 2.0], "u_minus": 1.0}, {}, "the initial u_plus has 2 entries, the data have 5 columns"),
        ({"u_plus": [], "u_minus": 1.0}, {}, "at least 1"),
        (
            {"u_plus": 1.0, "u_minus": 1.0, "v_plus": 1.0, "v_minus": 1.0},
            {"model": {"kind": "uv", "shape": 0.5}},
            "leave shape out",
        ),
    ],
)
def test_starts_that_do_not_fit_are_refused(
    initialization: dict[str, Any], parts: dict[str, Any], complaint: str
) -> None:
    """Just the parts of the network, each with an entry for every feature."""
    with pytest.raises(ValidationError, match=complaint):
        spec_of(initialization, **parts)
