"""Strides over many steps, against the steps."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.completion.stride import NumpyStrides, tridiagonal
from core.completion.striding import LogDescent, leaving, strided
from core.completion.warm_up import WarmUp
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.implicit_bias.conserved_form import ConservedForm
from core.implicit_bias.log_steps import Modes, Way
from tests.core.problems import paper_problem, small_problem

ROUNDING = 1e-12
"""Of ln A, from some ten thousand single steps."""


@dataclass
class Walk:
    """Plain descent on the squared model, u± ← u±(1 ∓ 2ηg), and the conserved form of where it is."""

    data: Dataset
    theta: np.ndarray
    step_size: float
    warmup_steps: int = 0
    steps: int = 0

    def on(self, steps: int) -> "Walk":
        """So many steps more."""
        X, y, (plus, minus) = self.data.X, self.data.y, self.theta
        for step in range(self.steps, self.steps + steps):
            step_size = self.step_size * min(1.0, (step + 1) / max(self.warmup_steps, 1))
            x = 2 * step_size * ((X @ (plus**2 - minus**2) - y) @ X) / len(y)
            plus, minus = plus * (1 - x), minus * (1 + x)
        self.theta, self.steps = np.stack([plus, minus]), self.steps + steps
        return self

    @property
    def state(self) -> ConservedForm:
        """Where it is."""
        return ConservedForm(theta=self.theta, depth=2)

    def limit(self) -> ConservedForm:
        """Where flow from here ends."""
        return self.state.flowed(interpolator_set(self.data.X, self.data.y)).state

    def descent(self) -> LogDescent:
        """The same in logarithms."""
        reference = NumpyStrides.of(interpolator_set(self.data.X, self.data.y))
        return LogDescent(reference=reference, solver=reference, rate=2 * self.step_size / len(self.data.y))

    @property
    def warm_up(self) -> WarmUp:
        """Where it is in its warm-up."""
        return WarmUp(taken=self.steps, steps=self.warmup_steps)

    @property
    def way(self) -> Way:
        """On from here."""
        return self.descent().way(self.state, self.state, self.warm_up)

    def modes(self) -> Modes:
        """Those of two steps from here."""
        return self.descent().reference.modes(self.way)

    def pace(self) -> np.ndarray:
        """What two steps from here add to ln u±."""
        return self.descent().reference.pace(self.way, self.way.logs[None], np.zeros(1))[0]

    def leaving(self, limit: ConservedForm) -> float:
        """What the rest of it adds to what leaves the conserved form."""
        way, reference = self.descent().way(self.state, limit), self.descent().reference
        return leaving(*reference.rest(way, way.logs), self.modes(), enough=np.inf)

    def strided(self, allowed: float) -> tuple[np.ndarray, np.ndarray] | None:
        """Where strides lead from here."""
        with np.errstate(all="ignore"):  # a stride that is too long
            return strided(self.descent(), self.state, self.limit(), self.warm_up, allowed=allowed)


def begin(data: Dataset, scale: float, step_size: float, *, warmup_steps: int = 0) -> Walk:
    """From a uniform start."""
    theta = np.full((2, data.X.shape[1]), scale)
    return Walk(data=data, theta=theta, step_size=step_size, warmup_steps=warmup_steps)


def step_at(data: Dataset, scale: float, fraction: float) -> float:
    """This fraction of 2/λ, λ the sharpness of the flow limit from the start."""
    walk = begin(data, scale, 1e-9)
    walk.theta = walk.limit().theta
    return fraction * 2e-9 / walk.modes().largest


def test_two_steps_are_two_steps_of_descent() -> None:
    """In ln u±, and over several states at once."""
    walk = begin(small_problem(1), 0.4, 0.02).on(5)
    way, reference = walk.way, walk.descent().reference
    both = reference.pace(way, np.stack([way.logs, 2 * way.logs]), np.zeros(2))
    alone = [reference.pace(way, each[None], np.zeros(1))[0] for each in (way.logs, 2 * way.logs)]
    np.testing.assert_allclose(both, alone, rtol=1e-12)
    np.testing.assert_allclose(way.logs + alone[0], np.log(walk.on(2).theta), rtol=1e-13)


def test_modes_are_those_of_the_gram_matrix_in_the_mean_of_two_steps() -> None:
    """Values z of (4η/N)·X diag(c)Xᵀ with c = u₊² + u₋²."""
    data = small_problem(2)
    walk = begin(data, 0.4, 0.05).on(3)
    modes = walk.modes()
    here, there = (np.square(theta).sum(axis=0) for theta in (walk.theta, walk.on(1).theta))
    values = np.linalg.eigvalsh((data.X * (here + there) / 2) @ data.X.T) * 4 * walk.step_size / len(data.y)
    np.testing.assert_allclose(modes.z, values, rtol=1e-10)
    assert modes.largest == pytest.approx(values[-1])


@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_what_is_asked_of_modes_is_answered_by_the_tridiagonal_matrix(size: int) -> None:
    """QTQᵀ is the matrix; its definiteness is stability, and pairs of steps leave (1 + pairs·rT(2 − rT))⁻¹."""
    root = np.random.default_rng(size).standard_normal((size, size))
    diagonal, below, turn = tridiagonal(root @ root.T)
    T = np.diag(diagonal) + np.diag(below[:-1], 1) + np.diag(below[:-1], -1)
    np.testing.assert_allclose(turn @ T @ turn.T, root @ root.T, atol=1e-12)
    np.testing.assert_allclose(turn @ turn.T, np.eye(size), atol=1e-12)
    modes = Modes(diagonal=diagonal, below=below)
    largest = np.linalg.eigvalsh(root @ root.T)[-1]
    assert modes.largest == pytest.approx(largest)
    assert all(modes.is_stable(r / largest) for r in (0.1, 1.99999))
    assert not any(modes.is_stable(r / largest) for r in (2.00001, 7.0, np.nan))
    change, r = np.arange(1.0, size + 1), 1.7 / largest
    matrix = np.eye(size) + 30 * r * T @ (2 * np.eye(size) - r * T)
    np.testing.assert_allclose(modes.slowed(change, r, 30), np.linalg.solve(matrix, change), rtol=1e-9)
    assert np.isinf(modes.slowed(change, 3 / largest, 1e6)).all()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(0.01, 1.0),
    fraction=st.floats(0.02, 0.97),
    digits=st.integers(5, 9),
    warmup_steps=st.sampled_from([0, 207, 400, 3001, 9000]),
)
def test_strides_keep_what_single_steps_keep(
    seed: int, scale: float, fraction: float, digits: int, warmup_steps: int
) -> None:
    """The ln A and δ of the end are those of the steps, within the drift, which is allowed; in a warm-up as well."""
    data = small_problem(seed)
    walk = begin(data, scale, step_at(data, scale, fraction), warmup_steps=warmup_steps).on(200)
    limit, allowed = walk.limit(), 10.0**-digits
    found = walk.strided(allowed)
    if found is None:
        return
    logs, drift = found
    assert np.linalg.norm(drift) <= allowed
    walk.on(20_000)
    single = np.log(np.abs(walk.theta))
    space = interpolator_set(data.X, data.y)
    apart = (logs - single)[0] - (logs - single)[1]
    shrinkage = np.abs((logs - single).sum(axis=0))
    outside = np.abs(apart - space.basis @ (space.basis.T @ apart))
    moved = np.linalg.norm(np.abs(limit.predictor) * shrinkage + limit.weights * outside)
    assert moved <= np.linalg.norm(drift) + 0.02 * allowed + walk.leaving(limit) + ROUNDING


@pytest.mark.parametrize(("scale", "fraction"), [(0.01, 0.5), (0.3, 0.05), (1.0, 0.9)])
def test_most_smooth_runs_are_followed(scale: float, fraction: float) -> None:
    """On the paper's data."""
    data = paper_problem()
    walk = begin(data, scale, step_at(data, scale, fraction)).on(2000)
    assert walk.strided(1e-6) is not None


def test_a_pair_of_steps_of_a_warm_up_is_two_steps_of_descent() -> None:
    """Whichever pair, to the last one, after which the step size is full."""
    walk = begin(small_problem(1), 0.4, 0.02, warmup_steps=101).on(60)
    assert walk.warm_up.pairs_left == 20
    for left in range(20, -1, -1):
        assert walk.warm_up.pairs_left == left
        logs, pace = np.log(walk.theta), walk.pace()
        np.testing.assert_allclose(logs + pace, np.log(walk.on(2).theta), rtol=1e-13)
    assert (walk.steps, walk.way.level) == (102, 1.0)


@pytest.mark.parametrize("warmup_steps", [3000, 3001])
def test_a_smooth_run_is_followed_through_its_warm_up(warmup_steps: int) -> None:
    """To where it stays, though its step size is a hundredth of the full one."""
    data = small_problem(3)
    walk = begin(data, 0.3, step_at(data, 0.3, 0.5), warmup_steps=warmup_steps).on(30)
    found = walk.strided(1e-8)
    assert found is not None
    before = np.log(walk.theta).sum(axis=0)
    shrunk = np.log(walk.on(40_000).theta).sum(axis=0) - before
    assert np.abs(shrunk).max() > 1e-5
    np.testing.assert_allclose(found[0].sum(axis=0) - before, shrunk, atol=1e-8)


def test_no_stride_leads_across_the_edge() -> None:
    """A run that rests on an interpolator, at a step size that is stable there as yet, is not followed further."""
    data = small_problem(3)
    walk = begin(data, 0.3, 1.5 * step_at(data, 0.3, 1.0), warmup_steps=10**6)
    walk.theta, walk.steps = walk.limit().theta, 400_000
    assert walk.modes().largest * 0.4 < 2
    assert walk.strided(1e-6) is None


def test_a_run_that_oscillates_at_the_edge_is_followed() -> None:
    """Its p goes to and fro by hundredths, and what shrinks A is that alone: strides see it, flow does not."""
    data = small_problem(20)
    walk = begin(data, 0.3, 1.1 * step_at(data, 0.3, 1.0)).on(400)
    found = walk.strided(1e-9)
    assert found is not None
    before = np.log(walk.theta).sum(axis=0)
    shrunk = np.log(walk.on(100_000).theta).sum(axis=0) - before
    assert np.abs(shrunk).max() > 0.01
    np.testing.assert_allclose(found[0].sum(axis=0) - before, shrunk, atol=1e-8)


def test_a_run_that_is_not_stable_is_not_followed() -> None:
    """Where η is above 2/λ there and everywhere near."""
    data = small_problem(4)
    assert begin(data, 1.0, 1.3 * step_at(data, 1.0, 1.0)).strided(1e-6) is None


def test_what_is_left_of_a_run_grows_near_the_edge() -> None:
    """ηL·max(1, max|β|/c)/(1 − z/2), z of the modes and of x: ∞ beyond 2, and where it is more than is asked."""
    modes = Modes(diagonal=np.array([0.3, 1.8]), below=np.zeros(2))
    assert leaving(1e-6, 0.1, modes, enough=1e-3) == pytest.approx(1e-6 / (1 - 1.9 / 2), rel=1e-12)
    assert leaving(1e-6, 0.2, modes, enough=1e-3) > 1e6
    assert leaving(1e-6, 0.3, modes, enough=1e-3) == np.inf
    assert leaving(1e-2, 0.1, modes, enough=1e-3) == np.inf
