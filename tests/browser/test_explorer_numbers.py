"""The mathematics of the explorer, as a real browser computes it, against the Python core."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from core.descent.batch_descent import BatchState, StepTerms
from core.descent.kernel import kernels
from core.descent.loss_events import NO_EVENTS
from core.interpolators.flattest import flattest_interpolator
from core.interpolators.least_norm import min_l1, min_l2
from core.networks.network import Diagonal
from core.stability.hessian import hessian
from stepbias.explorer.document import document
from tests.reference import ascent_by_hand

Setting = dict[str, Any]

compiled = pytest.mark.skipif("baseline" not in kernels(), reason="no kernel is compiled")
SHAPES = [(1, 2), (2, 2), (1, 3), (2, 3)]


@pytest.fixture(scope="module")
def explorer(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page as a file, for its `stepbias` alone."""
    file: Path = tmp_path_factory.mktemp("explorer") / "page.html"
    file.write_text(document(), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    yield page
    page.close()


def drawn(count: int, *, depths: Sequence[int], steps: int, seed: int) -> list[Setting]:
    """Random problems and methods, gentle ones and wild ones, half of them with momentum."""
    rng = np.random.default_rng(seed)

    def setting() -> Setting:
        samples, dim = SHAPES[rng.integers(4)]
        X = rng.uniform(-2, 2, (samples, dim)) + rng.uniform(0, 4)
        y = rng.uniform(-2, 2, samples)
        curvature = np.linalg.norm(X) ** 2 / samples
        return {
            "problem": {"X": X.tolist(), "y": y.tolist()},
            "method": {
                "depth": int(rng.choice(depths)),
                "stepSize": 10 ** rng.uniform(-2.5, -0.1) / curvature,
                "initScale": 10 ** rng.uniform(-2, 0.3),
                "momentum": float(rng.choice([0.0, rng.uniform(0, 0.95)])),
                "radius": 0.0,
            },
            "steps": steps,
        }

    return [setting() for _ in range(count)]


def ran_there(page: Page, settings: list[Setting]) -> list[dict[str, Any]]:
    """What the browser makes of them: losses at every step, and u₊, u₋ at the last."""
    runs: list[dict[str, Any]] = page.evaluate(
        """settings => settings.map(({ problem, method, steps }) => {
             const run = stepbias.descend(problem, method, new stepbias.Recorder(3, steps));
             const end = 2 * run.steps * run.dim;
             return { steps: run.steps, outcome: run.outcome,
                      losses: Array.from(run.losses.subarray(0, run.steps + 1)),
                      theta: Array.from(run.parameters.subarray(end, end + 2 * run.dim)) };
           })""",
        settings,
    )
    return runs


def ran_here(setting: Setting, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The same numbers of the core's kernel without fused operations."""
    X, y = (np.array(setting["problem"][name]) for name in "Xy")
    method = setting["method"]
    theta = np.full((2, 1, X.shape[1]), method["initScale"])
    has_velocity = method["momentum"] > 0
    state = BatchState.begin(theta, len(y), momentum=has_velocity)
    batch = kernels()["baseline"](X, y, Diagonal(method["depth"]), state)
    first = batch.losses()
    kept = np.full((steps, 1), method["momentum"]) if has_velocity else None
    chunk = batch.advance(
        np.full((steps, 1), method["stepSize"]), StepTerms(momentum=kept), events=replace(NO_EVENTS, interval=1)
    )
    return np.concatenate([first, chunk.losses[:, 0]]), batch.theta.ravel()


def bits(values: Any) -> list[int]:
    """Doubles as whole numbers, so that −0 is not 0; every NaN alike."""
    array = np.array(values, dtype=np.float64)
    array[np.isnan(array)] = np.nan
    numbers: list[int] = array.view(np.int64).tolist()
    return numbers


@compiled
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_every_loss_of_every_step_has_the_bits_of_the_core(explorer: Page, depth: int) -> None:
    """At D = 2 on 1,200 random settings, at other depths on 300 each: sums and powers have one order everywhere."""
    settings = drawn(1200 if depth == 2 else 300, depths=[depth], steps=150, seed=depth)
    outcomes = set()
    for chunk in (settings[i : i + 300] for i in range(0, len(settings), 300)):
        for setting, run in zip(chunk, ran_there(explorer, chunk), strict=True):
            losses, theta = ran_here(setting, run["steps"])
            assert bits(run["losses"]) == bits(losses), setting
            assert bits(run["theta"]) == bits(theta), setting
            outcomes.add(run["outcome"])
    assert {"converged", "diverged", "moving"} <= outcomes


def test_sharpness_aware_steps_are_those_of_the_formula(explorer: Page) -> None:
    """On 400 settings, to 1e-12, where steps do not amplify what is rounded otherwise."""
    rng = np.random.default_rng(7)
    settings = [
        one | {"method": one["method"] | {"radius": rng.uniform(0.01, 0.3), "stepSize": one["method"]["stepSize"] / 10}}
        for one in drawn(400, depths=[2, 3, 4], steps=20, seed=8)
    ]
    moved = 0
    for setting, run in zip(settings, ran_there(explorer, settings), strict=True):
        method, problem = setting["method"], setting["problem"]
        start = [method["initScale"]] * len(run["theta"])
        expected = ascent_by_hand.descend(
            problem["X"],
            problem["y"],
            start,
            depth=method["depth"],
            step_size=method["stepSize"],
            momentum=method["momentum"],
            radius=method["radius"],
            steps=run["steps"],
        )
        moved += math.dist(expected, start) > 0.01
        assert run["theta"] == pytest.approx(expected, rel=1e-12, abs=1e-13), setting
    assert moved > 100


@pytest.mark.thorough
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_sharpness_is_the_largest_eigenvalue_of_the_hessian(explorer: Page, depth: int) -> None:
    """After three steps from random settings, against the core's Hessian and LAPACK."""
    settings = drawn(100, depths=[depth], steps=3, seed=10 + depth)
    found = explorer.evaluate(
        """settings => settings.map(({ problem, method, steps }) => {
             const run = stepbias.descend(problem, method, new stepbias.Recorder(3, steps));
             const end = 2 * run.steps * run.dim;
             return [stepbias.sharpnessAt(problem, method.depth, run, run.steps),
                     Array.from(run.parameters.subarray(end, end + 2 * run.dim))];
           })""",
        settings,
    )
    for setting, (value, theta) in zip(settings, found, strict=True):
        X, y = (np.array(setting["problem"][name]) for name in "Xy")
        spectrum = np.linalg.eigvalsh(hessian(X, y, np.reshape(theta, (2, -1)), Diagonal(depth)))
        assert abs(value - spectrum[-1]) <= 1e-12 * np.abs(spectrum).max()


@pytest.mark.thorough
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_landmarks_are_those_of_the_core(explorer: Page, shape: tuple[int, int], depth: int) -> None:
    """The sparsest, the shortest and the flattest interpolator of every problem that can be chosen, at every mean."""
    samples, dim = shape
    means = [0, 0.3, 1, 1.7, 2.5, 4]
    found = explorer.evaluate(
        """([dim, samples, depth, means]) => means.map((mean) => {
             const problem = stepbias.problemOf(dim, samples, mean);
             return { ...problem, ...stepbias.landmarks(problem, depth) };
           })""",
        [dim, samples, depth, means],
    )
    for each in found:
        X, y = np.array(each["X"]), np.array(each["y"])
        flattest = flattest_interpolator(X, y, Diagonal(depth))
        for name in ("sparsest", "shortest", "flattest"):
            assert X @ each[name] == pytest.approx(y, abs=1e-12)
        assert each["sharpness"] == pytest.approx(flattest.sharpness_upper, rel=1e-7)
        assert each["flattest"] == pytest.approx(flattest.predictor, abs=1e-4)
        assert np.abs(each["sparsest"]).sum() == pytest.approx(np.abs(min_l1(X, y).predictor).sum(), rel=1e-9)
        assert each["shortest"] == pytest.approx(min_l2(X, y).predictor, abs=1e-12)
