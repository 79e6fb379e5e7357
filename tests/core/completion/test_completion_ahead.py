"""The limit of a run as strides find it: against the run continued, against its own estimate, and its refusals."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.completion.completion import Completer, Completion, NotCompletable, Unsettled
from core.completion.striding import LogDescent, strided
from core.completion.warm_up import WarmUp
from core.data.regression import Dataset
from core.implicit_bias.conserved_form import ConservedForm
from core.networks.network import UV, Diagonal, Network
from core.stability.sharpness import interpolator_sharpness_of
from tests.core.completion.test_completion import ROUNDING, Run, begin, completion_of, distance, step_near
from tests.core.problems import small_problem

TOLERANCE = 1e-7


def ahead(run: Run, tolerance: float = TOLERANCE) -> Completion | Unsettled | NotCompletable:
    """What is found from where a run is."""
    return Completer(run.data, run.network).complete_ahead(
        run.theta,
        step_size=run.step_size,
        tolerance=tolerance,
        warm_up=WarmUp(taken=run.steps, steps=run.warmup_steps),
    )


def found_ahead(run: Run, tolerance: float = TOLERANCE) -> Completion:
    """The limit, which must not be refused."""
    found = ahead(run, tolerance)
    assert isinstance(found, Completion), found
    return found


@pytest.mark.parametrize("network", [Diagonal(2), UV()])
@pytest.mark.parametrize("scale", [0.03, 0.3, 1.0])
@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9])
def test_the_limit_is_known_long_before_the_iterate_says_it(network: Network, scale: float, fraction: float) -> None:
    """After a hundred steps, where what flow conserves still changes by thousands of times the tolerance."""
    data = small_problem(3)
    run = begin(data, network, scale, step_near(data, network, scale, fraction)).walk(100)
    found = found_ahead(run)
    end = run.walk_to(1e-26).predictor
    assert run.loss <= 1e-24
    assert found.estimate <= TOLERANCE
    assert (found.bound, found.by_strides) == (np.inf, True)
    assert distance(found.predictor, end) <= found.estimate + ROUNDING


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(0.02, 1.0),
    fraction=st.floats(0.02, 0.97),
    digits=st.integers(4, 8),
    network=st.sampled_from([Diagonal(2), UV()]),
    warmup_steps=st.sampled_from([0, 333, 4000]),
)
def test_estimates_hold(  # noqa: PLR0917 - what a problem is drawn from
    seed: int, scale: float, fraction: float, digits: int, network: Network, warmup_steps: int
) -> None:
    """On random problems, steps, tolerances and warm-ups."""
    data = small_problem(seed)
    run = begin(data, network, scale, step_near(data, network, scale, fraction), warmup_steps=warmup_steps).walk(50)
    found = ahead(run, 10.0**-digits)
    end = run.walk_to(1e-26, most=40_000).predictor
    assume(isinstance(found, Completion) and run.loss <= 1e-24)
    assert isinstance(found, Completion)
    assert distance(found.predictor, end) <= found.estimate + ROUNDING


@pytest.mark.parametrize("network", [Diagonal(2), UV()])
def test_the_limit_is_a_state_of_the_network(network: Network) -> None:
    """Its θ has the predictor and the sharpness that are said, and at D = 2 the signs of the iterate."""
    data = small_problem(5)
    run = begin(data, network, 0.3, step_near(data, network, 0.3, 0.4))
    run.theta[::2] *= -1
    found = found_ahead(run.walk(60))
    np.testing.assert_allclose(network.predictor(found.theta), found.predictor, rtol=1e-9, atol=1e-12)
    sharpness = interpolator_sharpness_of(data.X, network.tangent_weights(found.theta)).value
    assert found.sharpness == pytest.approx(sharpness, rel=1e-9)
    if network == Diagonal(2):
        assert np.array_equal(np.sign(found.theta), np.sign(run.theta))


@pytest.mark.parametrize(("missed", "within"), [(3e-8, True), (3e-7, False)])
def test_what_strides_miss_is_in_the_estimate(missed: float, monkeypatch: pytest.MonkeyPatch, *, within: bool) -> None:
    """At least as it is: P makes no part of it smaller, and may make it larger."""
    data, network = small_problem(5), Diagonal(2)
    run = begin(data, network, 0.3, step_near(data, network, 0.3, 0.4)).walk(60)

    def missing(
        descent: LogDescent, state: ConservedForm, limit: ConservedForm, warm_up: WarmUp, *, allowed: float
    ) -> tuple[np.ndarray, np.ndarray]:
        found = strided(descent, state, limit, warm_up, allowed=allowed)
        assert found is not None
        return found[0], missed * np.abs(limit.predictor)

    monkeypatch.setattr("core.completion.completion.strided", missing)
    found = ahead(run)
    error = found.estimate if isinstance(found, Completion) else found.error if isinstance(found, Unsettled) else 0
    assert error >= missed
    assert isinstance(found, Completion) is within


def on_a_single_interpolator(seed: int) -> Run:
    """A run on more samples than dimensions, from a random start, at .35 of what its flow limit allows."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((8, 5))
    data, network = Dataset(X=X, y=X @ rng.standard_normal(5)), Diagonal(2)
    run = Run(data=data, network=network, theta=0.4 * rng.standard_normal((2, 5)), step_size=1e-9)
    run.step_size = 0.35 * 2 / completion_of(run).sharpness
    return run.walk(30)


@pytest.mark.parametrize("seed", [22, 2])
def test_the_error_of_the_sharpness_holds_where_a_single_predictor_interpolates(seed: int) -> None:
    """What strides miss moves θ there, and β not at all: of the first by three times what else is in the error."""
    run = on_a_single_interpolator(seed)
    found = found_ahead(run, 1e-8)
    assert found.by_strides
    run.walk_to(1e-28)
    end = interpolator_sharpness_of(run.data.X, run.network.tangent_weights(run.theta)).value
    assert run.loss <= 1e-26
    assert distance(found.predictor, run.predictor) <= found.estimate + ROUNDING
    assert abs(found.sharpness - end) <= found.sharpness_error + ROUNDING * end


@pytest.mark.parametrize(("part_of_room", "is_stable"), [(0.5, True), (2.0, False)])
def test_a_limit_that_what_strides_miss_may_make_unstable_is_refused(
    part_of_room: float, monkeypatch: pytest.MonkeyPatch, *, is_stable: bool
) -> None:
    """Though its predictor, the only one that interpolates, is as good as known."""
    run = on_a_single_interpolator(22)
    missed = 1e-6

    def missing(
        descent: LogDescent, state: ConservedForm, limit: ConservedForm, warm_up: WarmUp, *, allowed: float
    ) -> tuple[np.ndarray, np.ndarray]:
        found = strided(descent, state, limit, warm_up, allowed=allowed)
        assert found is not None
        return found[0], missed * np.abs(limit.predictor)

    monkeypatch.setattr("core.completion.completion.strided", missing)
    found = found_ahead(run, 1e-8)
    missed *= part_of_room * (2 / run.step_size - found.sharpness) / found.sharpness_error
    assert isinstance(ahead(run, 1e-8), Completion) is is_stable


def test_it_depends_on_its_arguments_alone() -> None:
    """To the bit, whatever was asked before."""
    data, network = small_problem(5), Diagonal(2)
    run = begin(data, network, 0.3, step_near(data, network, 0.3, 0.4)).walk(60)
    completer = Completer(data, network)
    asked = [completer.complete_ahead(run.theta.copy(), step_size=run.step_size, tolerance=1e-7) for _ in range(2)]
    fresh = found_ahead(run)
    for each in asked:
        assert isinstance(each, Completion)
        assert each.predictor.tobytes() == fresh.predictor.tobytes()
        assert each.estimate == fresh.estimate


def test_a_run_whose_flow_ends_beyond_the_edge_is_refused_in_its_warm_up() -> None:
    """At once, though it is stable as yet; one whose flow ends before it is not."""
    data, network = small_problem(3), Diagonal(2)
    for fraction, is_refused in ((1.02, True), (0.95, False)):
        step = step_near(data, network, 0.3, fraction)
        found = ahead(begin(data, network, 0.3, step, warmup_steps=2000).walk(200))
        assert (found is NotCompletable.UNSTABLE) is is_refused


def test_what_is_not_smooth_and_stable_is_refused() -> None:
    """And what has no such form, or no interpolator."""
    data = small_problem(3)
    step = step_near(data, Diagonal(2), 1.0, 1.0)
    assert ahead(begin(data, Diagonal(2), 1.0, 1.5 * step)) is NotCompletable.UNSTABLE
    assert ahead(begin(data, Diagonal(3), 1.0, 0.1 * step)) is NotCompletable.ROUGH
    vanished = begin(data, Diagonal(2), 1.0, 0.1 * step)
    vanished.theta[0, 2] = 0
    assert ahead(vanished) is NotCompletable.VANISHED
    tall = Dataset(X=np.vander([1.0, 2.0, 3.0], 2), y=np.array([1.0, 0.0, 0.0]))
    assert ahead(begin(tall, Diagonal(2), 1.0, 0.01)) is NotCompletable.NO_INTERPOLATOR


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), scale=st.floats(0.1, 1.0), fraction=st.floats(0.02, 0.9), steps=st.integers(1, 1500)
)
def test_a_proof_holds_of_step_sizes_that_still_grow(seed: int, scale: float, fraction: float, steps: int) -> None:
    """From an iterate within a warm-up, by the bound at the full step size."""
    data, network = small_problem(seed), Diagonal(2)
    run = begin(data, network, scale, step_near(data, network, scale, fraction), warmup_steps=2000).walk(steps)
    found = run.completed()
    assume(isinstance(found, Completion) and np.isfinite(found.bound))
    assert isinstance(found, Completion)
    end = run.walk_to(1e-26, most=40_000)
    assume(end.loss <= 1e-24)
    assert distance(found.predictor, end.predictor) <= found.bound + ROUNDING
