"""The limit of a run, from an iterate: against the run continued, against its own estimate, and its refusals."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.completion.completion import Completer, Completion, NotCompletable, Unsettled
from core.data.regression import Dataset
from core.descent.schedule import warmed_up
from core.networks.network import UV, Diagonal, Network
from core.stability.sharpness import interpolator_sharpness_of, top_hessian_eigenpair
from tests.core.problems import paper_problem, small_problem

ROUNDING = 1e-11
"""Relative distance from its exact path that rounding gives a run of 10⁵ steps away from the edge."""


@dataclass
class Run:
    """Plain gradient descent, one step at a time."""

    data: Dataset
    network: Network
    theta: np.ndarray
    step_size: float
    warmup_steps: int = 0
    steps: int = 0

    def walk(self, steps: int) -> "Run":
        """So many steps more."""
        schedule = warmed_up(
            np.array([self.step_size]), np.array([self.warmup_steps]), self.steps, self.steps + steps
        ).ravel()
        X, y = self.data.X, self.data.y
        for step_size in schedule.tolist():
            gradient = (X @ self.network.predictor(self.theta) - y) @ X * (step_size / len(y))
            self.theta = self.theta - self.network.jacobian(self.theta) * gradient
        self.steps += steps
        return self

    def walk_to(self, loss: float, *, most: int = 200_000) -> "Run":
        """On until the loss is below this."""
        while self.loss > loss and self.steps < most:
            self.walk(10)
        return self

    @property
    def predictor(self) -> np.ndarray:
        """β."""
        return self.network.predictor(self.theta)

    @property
    def loss(self) -> float:
        """‖Xβ − y‖²/(2N)."""
        return float(np.mean(np.square(self.data.X @ self.predictor - self.data.y)) / 2)

    def completed(self) -> Completion | Unsettled | NotCompletable:
        """What completion says here, whatever the estimate."""
        return Completer(self.data, self.network).complete(self.theta, step_size=self.step_size, tolerance=np.inf)


def begin(data: Dataset, network: Network, scale: float, step_size: float, **more: int) -> Run:
    """A run from a uniform start."""
    theta = np.full((len(network.parts), data.X.shape[1]), scale)
    return Run(data=data, network=network, theta=theta, step_size=step_size, **more)


def completion_of(run: Run) -> Completion:
    """The completion, which must not be refused."""
    found = run.completed()
    assert isinstance(found, Completion), found
    return found


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """‖one − other‖₂/‖other‖₂."""
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def step_near(data: Dataset, network: Network, scale: float, fraction: float) -> float:
    """This fraction of 2/λ, λ the sharpness of the flow limit from the same start."""
    return fraction * 2 / completion_of(begin(data, network, scale, 1e-9)).sharpness


@pytest.mark.parametrize("network", [Diagonal(2), UV(), Diagonal(3)])
@pytest.mark.parametrize("scale", [0.1, 1.0])
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9, 0.98])
def test_the_limit_is_where_the_run_ends(network: Network, scale: float, fraction: float) -> None:
    """At losses of 1e-3 to 1e-9 of an iterate, as soon as it is not refused, within the estimate."""
    data = small_problem(3)
    run = begin(data, network, scale, step_near(data, network, scale, fraction))
    found: list[tuple[Completion, float]] = []
    for loss in (1e-3, 1e-5, 1e-7, 1e-9):
        completed = run.walk_to(loss).completed()
        if isinstance(completed, Completion):
            found.append((completed, loss))
    end = run.walk_to(1e-26).predictor
    assert run.loss <= 1e-24
    assert len(found) >= 2
    for completed, _ in found:
        error = distance(completed.predictor, end)
        assert error <= completed.estimate + ROUNDING
        assert error <= completed.bound + ROUNDING
    assert distance(found[-1][0].predictor, end) < 1e-6


@pytest.mark.parametrize("network", [Diagonal(2), UV(), Diagonal(3), Diagonal(4)])
def test_the_completed_parameters_have_the_completed_predictor_and_interpolate(network: Network) -> None:
    """Xβ = y to 1e-9 of max|y|, from parameters of both signs, which they keep."""
    data = small_problem(5)
    rng = np.random.default_rng(5)
    start = rng.uniform(0.3, 0.6, (len(network.parts), 7)) * rng.choice([-1, 1], (len(network.parts), 7))
    run = Run(data=data, network=network, theta=start, step_size=1e-3).walk(4000)
    found = completion_of(run)
    predictor = network.predictor(found.theta)
    np.testing.assert_allclose(predictor, found.predictor, rtol=0, atol=1e-13)
    assert np.abs(data.X @ predictor - data.y).max() <= 1e-9 * np.abs(data.y).max()
    assert found.residual == np.abs(data.X @ found.predictor - data.y).max() / np.abs(data.y).max()
    if network != UV():
        np.testing.assert_array_equal(np.sign(found.theta), np.sign(run.theta))


@pytest.mark.parametrize("network", [Diagonal(2), UV(), Diagonal(3)])
def test_the_parameters_tend_to_the_completed_ones(network: Network) -> None:
    """Not the predictor alone: sharpness is a matter of parameters."""
    data = small_problem(2)
    run = begin(data, network, 0.3, step_near(data, network, 0.3, 0.3)).walk_to(1e-6)
    found = completion_of(run)
    run.walk_to(1e-26)
    assert distance(found.theta, run.theta) < 10 * found.estimate + ROUNDING
    at_the_limit = interpolator_sharpness_of(data.X, network.tangent_weights(run.theta)).value
    assert found.sharpness == pytest.approx(
        interpolator_sharpness_of(data.X, network.tangent_weights(found.theta)).value, rel=1e-12
    )
    assert abs(found.sharpness - at_the_limit) <= found.sharpness_error + ROUNDING


@pytest.mark.parametrize(
    ("scale", "step_size", "warmup_steps", "step", "iterate_error", "error", "later"),
    [
        (0.03, 1e-4, 0, 57_000, 5e-2, 3.5e-8, 150_000),
        (0.1, 1e-3, 0, 14_000, 1e-2, 6e-9, 30_000),
        (0.3, 6e-3, 20_000, 62_000, 1e-6, 4e-10, 75_000),
    ],
)
def test_the_default_data_set_has_the_known_completions(  # noqa: PLR0917 - the columns of a table
    scale: float, step_size: float, warmup_steps: int, step: int, iterate_error: float, error: float, later: int
) -> None:
    """The errors of iterate and completion as measured independently; a much later completion stands for the limit."""
    run = begin(paper_problem(), Diagonal(2), scale, step_size, warmup_steps=warmup_steps).walk(step)
    iterate, found, loss = run.predictor, completion_of(run), run.loss
    limit = completion_of(run.walk(later - step))
    assert np.isfinite(limit.bound)
    assert run.loss < loss / 5  # and so is its error
    assert distance(iterate, limit.predictor) == pytest.approx(iterate_error, rel=0.3)
    measured = distance(found.predictor, limit.predictor)
    assert measured == pytest.approx(error, rel=0.3)
    assert measured <= found.estimate <= 100 * measured


def test_a_run_at_the_edge_of_stability_is_refused_until_it_settles() -> None:
    """The third run of the table at step 1.1e4, whose completion would be off by .29."""
    run = begin(paper_problem(), Diagonal(2), 0.3, 6e-3, warmup_steps=20_000).walk(11_000)
    assert run.completed() is NotCompletable.UNSTABLE


def test_completions_above_the_tolerance_are_refused() -> None:
    """Those at the tolerance are not; nor does the screen say that they are not worth trying."""
    data = small_problem(1)
    run = begin(data, Diagonal(2), 0.3, 0.01).walk(500)
    completer, estimate = Completer(data, Diagonal(2)), completion_of(run).estimate
    for tolerance, accepted in ((estimate * 1.001, True), (estimate * 0.999, False), (estimate / 1e6, False)):
        found = completer.complete(run.theta, step_size=0.01, tolerance=tolerance)
        assert isinstance(found, Completion) is accepted
        assert accepted or (isinstance(found, Unsettled) and tolerance < found.error <= estimate)
    assert completer.is_worth_trying(loss=run.loss, step_size=0.01, tolerance=estimate)


@settings(max_examples=30, deadline=None)
@given(
    network=st.sampled_from([Diagonal(2), UV(), Diagonal(3), Diagonal(5)]),
    seed=st.integers(0, 1000),
    size=st.sampled_from([1e-4, 1.0, 1e3]),
)
def test_the_screen_turns_away_nothing_that_would_be_accepted(network: Network, seed: int, size: float) -> None:
    """A loss too large for the screen is too large for the estimate, in any unit of y."""
    data = small_problem(seed)
    data = Dataset(X=data.X, y=size * data.y)
    scale = 0.3 * size ** (1 / network.degree)
    run = begin(data, network, scale, step_near(data, network, scale, 0.3)).walk(seed)
    found = run.completed()
    assume(isinstance(found, Completion))
    assert isinstance(found, Completion)
    completer = Completer(data, network)
    assert completer.is_worth_trying(loss=run.loss, step_size=run.step_size, tolerance=found.estimate)


def test_a_large_loss_is_not_worth_trying() -> None:
    """At the start of a run of the paper, for a tolerance of 1e-6."""
    data = paper_problem()
    assert not Completer(data, Diagonal(2)).is_worth_trying(loss=1.0, step_size=1e-3, tolerance=1e-6)


def test_an_interpolator_that_descent_leaves_is_refused() -> None:
    """With a step size above 2/λ of the completed point, however small the loss."""
    data = small_problem(4)
    run = begin(data, Diagonal(2), 0.5, 0.005).walk_to(1e-20)
    found = completion_of(run)
    run.step_size = 2.001 / found.sharpness
    assert run.completed() is NotCompletable.UNSTABLE
    run.step_size = 1.999 / found.sharpness
    assert isinstance(run.completed(), Completion)


def test_the_sharpness_before_the_limit_counts_in_full() -> None:
    """Both terms of the Hessian, the second through its bound: a run that is unstable here and now is refused."""
    data = small_problem(0)
    run = begin(data, Diagonal(2), 0.5, 0.005).walk(30)
    now = top_hessian_eigenpair(data.X, data.y, run.theta, run.network).value
    run.step_size = 2 / now
    assert run.completed() is NotCompletable.UNSTABLE


@pytest.mark.parametrize("network", [Diagonal(2), UV(), Diagonal(3)])
def test_parameters_that_vanish_are_refused(network: Network) -> None:
    """Where one is zero it stays, and the conserved form says nothing."""
    data = small_problem(0)
    for value in (0.0, 1e-200, np.inf, np.nan):
        theta = np.full((len(network.parts), 7), 0.3)
        theta[:, 2] = value
        found = Completer(data, network).complete(theta, step_size=0.01, tolerance=np.inf)
        assert found is NotCompletable.VANISHED


def test_data_without_interpolator_are_refused() -> None:
    """The run ends at a least-squares fit."""
    data = small_problem(0, samples=9, dimension=4)
    completer = Completer(data, Diagonal(2))
    assert not completer.is_worth_trying(loss=0.0, step_size=0.01, tolerance=1.0)
    found = completer.complete(np.full((2, 4), 0.3), step_size=0.01, tolerance=np.inf)
    assert found is NotCompletable.NO_INTERPOLATOR


def test_a_single_interpolator_is_known_at_once() -> None:
    """With as many samples as dimensions the rest of the run has no choice: the error is that of the solver."""
    data = small_problem(0, samples=3, dimension=3)
    data = Dataset(X=data.X, y=data.X @ np.array([0.5, -0.2, 0.1]))
    found = completion_of(begin(data, Diagonal(2), 0.5, 0.01).walk(300))
    assert distance(found.predictor, np.array([0.5, -0.2, 0.1])) <= found.estimate + 1e-14
    assert found.estimate < 1e-12


def test_targets_of_zero_complete_at_zero() -> None:
    """From u₊ = u₋ the run is there already; errors then are absolute."""
    data = Dataset(X=small_problem(0).X, y=np.zeros(3))
    found = completion_of(begin(data, Diagonal(2), 0.5, 0.01))
    assert not found.predictor.any()
    assert found.estimate == found.bound < 1e-13


@settings(max_examples=25, deadline=None)
@given(network=st.sampled_from([Diagonal(2), UV(), Diagonal(3)]), seed=st.integers(0, 1000))
def test_completions_follow_permutation_and_sign(network: Network, seed: int) -> None:
    """Shuffled coordinates shuffle the limit; turning a column exchanges plus and minus there and turns β."""
    data = small_problem(seed % 20)
    rng = np.random.default_rng(seed)
    order, signs = rng.permutation(7), rng.choice([-1.0, 1.0], 7)
    run = begin(data, network, 0.4, step_near(data, network, 0.4, 0.2)).walk(400)
    found = run.completed()
    assume(isinstance(found, Completion))
    assert isinstance(found, Completion)
    exchanged = run.theta.reshape(-1, 2, 7)[:, ::-1].reshape(run.theta.shape)
    theta = np.where(signs > 0, run.theta, exchanged)[:, order]
    turned = Run(
        data=Dataset(X=(data.X * signs)[:, order], y=data.y), network=network, theta=theta, step_size=run.step_size
    )
    other = completion_of(turned)
    assert distance(other.predictor, (signs * found.predictor)[order]) < 1e-9
    assert other.estimate == pytest.approx(found.estimate, rel=1e-6, abs=1e-14)
    assert other.bound == pytest.approx(found.bound, rel=1e-6, abs=1e-14)


def test_the_same_iterate_has_the_same_bits_whatever_was_completed_before() -> None:
    """A completer keeps nothing of a run."""
    data = paper_problem()
    one = begin(data, Diagonal(2), 0.3, 2e-3).walk(3000).theta
    other = begin(data, Diagonal(2), 0.1, 2e-3).walk(1000).theta
    completer = Completer(data, Diagonal(2))
    first = completer.complete(one, step_size=2e-3, tolerance=np.inf)
    completer.complete(other, step_size=2e-3, tolerance=np.inf)
    again = Completer(data, Diagonal(2)).complete(one.copy(), step_size=2e-3, tolerance=np.inf)
    assert isinstance(first, Completion)
    assert isinstance(again, Completion)
    assert first.theta.tobytes() == again.theta.tobytes()
    assert (first.estimate, first.bound, first.sharpness) == (again.estimate, again.bound, again.sharpness)


@pytest.mark.parametrize("refusal", NotCompletable)
def test_every_refusal_has_its_sentence(refusal: NotCompletable) -> None:
    """For whoever asks why a run goes on."""
    assert refusal.meaning.endswith(".")
