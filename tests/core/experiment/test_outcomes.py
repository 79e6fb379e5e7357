"""How runs of specs end: each outcome against what a plain loop does, or linear algebra says."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from core.experiment.run import run
from core.networks.network import Diagonal
from core.results.result import Summary
from core.spec.experiment_spec import ExperimentSpec
from core.stability.hessian import hessian
from tests.core.problems import small_problem

ROW = {"kind": "inline", "X": [[1.0, 2.0, 3.0]], "y": [1.0]}


def summaries_of(**document: Any) -> Sequence[Summary]:
    """The ends of the runs of a spec of gradient descent from a uniform start."""
    whole = {"name": "", "initialization": {"kind": "uniform", "scale": 0.1}} | document
    return run(ExperimentSpec.model_validate(whole)).summaries


def descent(step_size: Any, **changes: Any) -> Mapping[str, Any]:
    """Gradient descent in a spec."""
    return {"kind": "gradient_descent", "step_size": step_size} | changes


def plain_loop(scale: float, *, depth: int, step_size: float, steps: int) -> np.ndarray:
    """θ of the row after so many steps, as one would write it; NaN where it has diverged."""
    x, theta = np.array(ROW["X"][0]), np.full((2, 3), scale)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            residual = x @ (theta[0] ** depth - theta[1] ** depth) - 1.0
            slopes = depth * theta ** (depth - 1) * x * residual * step_size
            theta = theta + np.stack([-slopes[0], slopes[1]])
    return theta


def test_a_run_that_leaves_its_saddle_late_is_not_said_to_oscillate() -> None:
    """Nothing is stable at this step size, and for 138,000 steps nothing happens."""
    (found,) = summaries_of(
        data=ROW,
        model={"kind": "diagonal", "depth": 4},
        initialization={"kind": "uniform", "scale": 0.001},
        optimizer=descent(0.3),
        stopping={"max_steps": 1_000_000},
    )
    assert found["outcome"] == "diverged"
    steps = int(found["steps"] or 0)
    assert not np.isfinite(plain_loop(0.001, depth=4, step_size=0.3, steps=steps)).all()
    assert np.isfinite(plain_loop(0.001, depth=4, step_size=0.3, steps=steps - 128)).all()


@pytest.mark.parametrize(("depth", "scale"), [(64, 0.001), (40, 1e-9)])
def test_a_run_whose_steps_change_nothing_stands_still(depth: int, scale: float) -> None:
    """Powers of θ underflow, or are lost beside it: for ever, so nobody waits for it."""
    (found,) = summaries_of(
        data=ROW,
        model={"kind": "diagonal", "depth": depth},
        initialization={"kind": "uniform", "scale": scale},
        optimizer=descent(0.3),
    )
    assert found["outcome"] == "standstill"
    assert int(found["steps"] or 0) < 20_000
    assert np.array_equal(plain_loop(scale, depth=depth, step_size=0.3, steps=100), np.full((2, 3), scale))


def test_where_nothing_interpolates_runs_end_at_the_least_squares() -> None:
    """In some thousand steps, with the error and the sharpness of that point, whichever way they got there."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 5))
    y = X @ rng.normal(size=5) + 0.3 * rng.normal(size=30)
    best = np.linalg.lstsq(X, y)[0]
    done = run(
        ExperimentSpec.model_validate(
            {
                "name": "",
                "data": {"kind": "inline", "X": X.tolist(), "y": y.tolist()},
                "model": {"kind": "diagonal", "depth": {"values": [2, 3]}},
                "initialization": {"kind": "uniform", "scale": {"values": [0.1, 0.6]}},
                "optimizer": descent({"values": [0.02, 0.05]}),
            }
        )
    )
    for found, arrays in zip(done.summaries, done.arrays, strict=True):
        network = Diagonal(int(found["depth"] or 0))
        theta = np.stack([arrays[name] for name in network.parts])
        assert found["outcome"] == "stationary", found
        assert int(found["steps"] or 0) <= 20_000
        true = np.linalg.norm(network.predictor(theta) - best) / np.linalg.norm(best)
        assert true <= float(found["limit_error"] or 0) <= 1e-4
        assert found["train_loss"] == pytest.approx(np.square(X @ best - y).sum() / 60, rel=1e-9)
        assert found["sharpness"] == pytest.approx(np.linalg.eigvalsh(hessian(X, y, theta, network))[-1])


def test_where_no_least_squares_are_stable_a_run_oscillates_and_is_told_so() -> None:
    """In some ten thousand steps, where it took all of its budget: no more of them would help."""
    X = [[1, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 1]]
    (below, above) = run(
        ExperimentSpec.model_validate(
            {
                "name": "",
                "data": {"kind": "inline", "X": X, "y": [1, 2, 1, 0, 3]},
                "initialization": {"kind": "uniform", "scale": 0.5},
                "optimizer": descent({"values": [0.35, 0.6]}),
                "stopping": {"max_steps": 200_000},
            }
        )
    ).summaries
    assert (below["outcome"], above["outcome"]) == ("stationary", "oscillating")
    assert 0 < int(above["steps"] or 0) < 200_000


def test_the_sharpness_of_a_coarse_run_is_that_of_its_loss() -> None:
    """With a loose tolerance the residual bends the loss: the Gauss–Newton matrix alone is off by several percent."""
    problem = small_problem(1)
    done = run(
        ExperimentSpec.model_validate(
            {
                "name": "",
                "data": {"kind": "inline", "X": problem.X.tolist(), "y": problem.y.tolist()},
                "model": {"kind": "diagonal", "depth": 7},
                "initialization": {"kind": "uniform", "scale": 0.6},
                "optimizer": descent(0.0005),
                "stopping": {"loss_tolerance": 0.1, "finish": "iterate"},
            }
        )
    )
    (found,), (arrays,), network = done.summaries, done.arrays, Diagonal(7)
    theta = np.stack([arrays[name] for name in network.parts])
    assert found["outcome"] == "converged"
    true = np.linalg.eigvalsh(second_differences(problem.X, problem.y, theta))[-1]
    assert found["sharpness"] == pytest.approx(true, rel=1e-4)
    assert abs(float(found["gauss_newton_sharpness"] or 0) / true - 1) > 0.01


def second_differences(X: np.ndarray, y: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """The Hessian of the loss by differences of its gradient."""

    def gradient(flat: np.ndarray) -> np.ndarray:
        plus, minus = flat.reshape(theta.shape)
        slope = X.T @ (X @ (plus**7 - minus**7) - y) / len(y)
        return np.concatenate([7 * plus**6 * slope, -7 * minus**6 * slope])

    base, step = theta.ravel(), 1e-6
    rows = [(gradient(base + step * unit) - gradient(base - step * unit)) / (2 * step) for unit in np.eye(base.size)]
    return (np.array(rows) + np.array(rows).T) / 2


@pytest.mark.parametrize("fraction", [1.02, 1.2])
def test_a_cycle_is_told_with_what_shows_it(fraction: float) -> None:
    """Two more steps lead back, and a step is as long as it says."""
    problem = small_problem(1)
    done = run(
        ExperimentSpec.model_validate(
            {
                "name": "",
                "data": {"kind": "inline", "X": problem.X.tolist(), "y": problem.y.tolist()},
                "initialization": {"kind": "uniform", "scale": 0.1},
                "optimizer": descent({"fractions_of_max_stable": [fraction]}, warmup_steps=2000),
            }
        )
    )
    (found,), (arrays,) = done.summaries, done.arrays
    theta = np.stack([arrays["u_plus"], arrays["u_minus"]])
    assert found["outcome"] == "oscillating"
    assert found["cycle_period"] == 2
    path = [theta]
    for _ in range(2):
        plus, minus = path[-1]
        slope = problem.X.T @ (problem.X @ (plus**2 - minus**2) - problem.y) / len(problem.y)
        path.append(path[-1] - float(found["step_size"] or 0) * 2 * np.stack([plus * slope, -minus * slope]))
    assert np.linalg.norm(path[2] - theta) < 0.01 * np.linalg.norm(path[1] - theta)
    # the step that it tells of began at the other end of the cycle
    back = np.linalg.norm(path[2] - path[1]) / np.linalg.norm(path[1])
    forth = np.linalg.norm(path[1] - theta) / np.linalg.norm(theta)
    assert min(back, forth) * 0.99 <= float(found["cycle_amplitude"] or 0) <= max(back, forth) * 1.01


@pytest.mark.parametrize("steps", [1, 63, 64, 130])
def test_a_run_of_given_steps_takes_exactly_these(steps: int) -> None:
    """Wherever the checks are, it is where a plain loop is, and its loss is that of there."""
    done = run(
        ExperimentSpec.model_validate(
            {
                "name": "",
                "data": ROW,
                "initialization": {"kind": "uniform", "scale": 0.1},
                "optimizer": descent(0.001),
                "stopping": {"steps": steps},
            }
        )
    )
    (found,), (arrays,) = done.summaries, done.arrays
    expected = plain_loop(0.1, depth=2, step_size=0.001, steps=steps)
    assert (found["outcome"], found["steps"], found["finished_by"]) == ("stopped", steps, "iteration")
    assert np.allclose([arrays["u_plus"], arrays["u_minus"]], expected, rtol=1e-13, atol=0)
    residual = np.array(ROW["X"][0]) @ (expected[0] ** 2 - expected[1] ** 2) - 1.0
    assert found["train_loss"] == pytest.approx(residual**2 / 2, rel=1e-9)


def test_a_run_of_given_steps_is_judged_where_it_stops() -> None:
    """Converged only with a stable end at its last checks; neither completed, held back nor perturbed; or diverged."""
    settings: dict[str, Any] = {"data": ROW, "model": {"kind": "diagonal", "depth": 2}}
    (early,) = summaries_of(**settings, optimizer=descent(0.05), stopping={"steps": 2_000})
    assert (early["outcome"], early["steps"], early["perturbations"]) == ("converged", 2_000, 0)
    (gone,) = summaries_of(**settings, optimizer=descent(2.0), stopping={"steps": 2_000})
    assert gone["outcome"] == "diverged"
    deep: dict[str, Any] = {"data": ROW, "model": {"kind": "diagonal", "depth": 64}}
    small = {"kind": "uniform", "scale": 0.001}
    (still,) = summaries_of(**deep, initialization=small, optimizer=descent(0.3), stopping={"steps": 20_500})
    assert (still["outcome"], still["steps"]) == ("stopped", 20_500)


def test_a_cycle_of_given_steps_goes_on_to_them() -> None:
    """Without them it is found to oscillate, and ends."""
    problem = small_problem(1)
    inline = {"kind": "inline", "X": problem.X.tolist(), "y": problem.y.tolist()}
    above = descent({"fractions_of_max_stable": [1.2]}, warmup_steps=1000)
    (free,) = summaries_of(data=inline, optimizer=above)
    assert free["outcome"] == "oscillating"
    (cycling,) = summaries_of(data=inline, optimizer=above, stopping={"steps": 200_000})
    assert (cycling["outcome"], cycling["steps"]) == ("stopped", 200_000)
    assert cycling["cycle_amplitude"] is None
