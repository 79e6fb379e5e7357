"""The limits of heavy ball and of minibatch SGD, against loops that step on to the end."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from core.completion.completion import Completer, Completion, NotCompletable
from core.completion.minibatch_spectrum import MinibatchSpectrum
from core.completion.remaining_descent import RemainingDescent
from core.completion.stepping import Stepping
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.implicit_bias.conserved_form import ConservedForm
from core.networks.network import UV, Diagonal, Network
from core.stability.gram_spectrum import GramSpectrum
from tests.core.problems import small_problem

DATA = small_problem(8)
ROUNDING = 1e-11


def gradient(network: Network, theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """That of the mean loss of these samples."""
    X, y = DATA.X[rows], DATA.y[rows]
    return network.jacobian(theta) * ((X @ network.predictor(theta) - y) @ X / len(y))


def rolled(
    network: Network, theta: np.ndarray, velocity: np.ndarray, *, step_size: float, momentum: float, loss: float
) -> tuple[np.ndarray, np.ndarray]:
    """Heavy ball until the loss stays below this for a hundred steps, or for 25,000."""
    everything, low = np.arange(3), 0
    for _ in range(25_000):
        missing = DATA.X @ network.predictor(theta) - DATA.y
        low = low + 1 if missing @ missing / 6 <= loss else 0
        if low > 100:
            break
        velocity = momentum * velocity - step_size * gradient(network, theta, everything)
        theta = theta + velocity
    return theta, velocity


@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(
    ("network", "scale", "step_size"),
    [(Diagonal(2), 0.3, 0.05), (Diagonal(3), 0.6, 0.02), (UV(), 0.3, 0.1)],
)
def test_heavy_ball_ends_where_its_completion_says(
    network: Network, scale: float, step_size: float, momentum: float
) -> None:
    """To the estimate, which is of second order: a small part of what the iterate is away."""
    start = network.initial(np.full((2, 7), scale), 0.5)
    how = {"step_size": step_size, "momentum": momentum}
    theta, velocity = rolled(network, start, np.zeros_like(start), loss=1e-6, **how)
    completed = Completer(DATA, network).complete(
        theta, step_size=step_size, tolerance=np.inf, stepping=Stepping(momentum=momentum, velocity=velocity)
    )
    assert isinstance(completed, Completion)
    assert completed.bound == np.inf
    end = network.predictor(rolled(network, theta, velocity, loss=1e-25, **how)[0])
    size = np.linalg.norm(end)
    error = np.linalg.norm(completed.predictor - end) / size
    assert error <= completed.estimate + ROUNDING
    second_order = 0.1 if momentum > 0.95 else 0.01
    assert error <= second_order * np.linalg.norm(network.predictor(theta) - end) / size
    np.testing.assert_allclose(network.predictor(completed.theta), completed.predictor, atol=1e-10)


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize(("network", "scale", "step_size"), [(Diagonal(2), 0.3, 0.03), (Diagonal(3), 0.6, 0.01)])
def test_sgd_ends_where_its_completion_says(network: Network, scale: float, step_size: float, batch_size: int) -> None:
    """Whichever samples are drawn: they matter to second order alone."""
    rng = np.random.default_rng(1)
    theta = network.initial(np.full((2, 7), scale), 0.5)
    for _ in range(1000):
        theta = theta - step_size * gradient(network, theta, rng.choice(3, batch_size, replace=False))
    stepping = Stepping(dispersion=(3 - batch_size) / (2 * batch_size))
    completed = Completer(DATA, network).complete(theta, step_size=step_size, tolerance=np.inf, stepping=stepping)
    assert isinstance(completed, Completion)
    assert 1e-14 < completed.estimate < 1e-2
    for _ in range(2):
        end = theta
        for _ in range(2000):
            end = end - step_size * gradient(network, end, rng.choice(3, batch_size, replace=False))
        beta = network.predictor(end)
        left = 10 * np.linalg.norm(np.linalg.pinv(DATA.X) @ (DATA.X @ beta - DATA.y))
        assert left < 1e-4
        allowed = completed.estimate * np.linalg.norm(completed.predictor) + left
        assert np.linalg.norm(beta - completed.predictor) <= allowed


def _with_replacement(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(3, size=(6000, 2))


def _in_epochs(rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([rng.permutation(3)[:, None] for _ in range(2000)])


def _in_one_order(rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - nothing is drawn
    return np.arange(6000)[:, None] % 3


def _in_long_stretches(rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - nothing is drawn
    return np.arange(6000)[:, None] // 5 % 3


@pytest.mark.parametrize(
    ("stream", "dispersion"),
    [(_with_replacement, 0.5), (_in_epochs, 1.0), (_in_one_order, 1.0), (_in_long_stretches, 1.0)],
)
@pytest.mark.parametrize(("network", "scale", "step_size"), [(Diagonal(2), 0.3, 0.03), (Diagonal(3), 0.6, 0.01)])
def test_sgd_of_any_order_ends_where_its_completion_says(
    network: Network, scale: float, step_size: float, stream: Callable[..., np.ndarray], dispersion: float
) -> None:
    """With replacement by its dispersion; in passes, or in one order again and again, by that of single samples."""
    theta, rng = network.initial(np.full((2, 7), scale), 0.5), np.random.default_rng(1)
    for rows in stream(rng)[:1000]:
        theta = theta - step_size * gradient(network, theta, rows)
    stepping = Stepping(dispersion=dispersion)
    completed = Completer(DATA, network).complete(theta, step_size=step_size, tolerance=np.inf, stepping=stepping)
    assert isinstance(completed, Completion)
    for rows in stream(rng)[1000:]:
        theta = theta - step_size * gradient(network, theta, rows)
    beta = network.predictor(theta)
    left = 10 * np.linalg.norm(np.linalg.pinv(DATA.X) @ (DATA.X @ beta - DATA.y))
    assert left < 1e-4
    allowed = completed.estimate * np.linalg.norm(completed.predictor) + left
    assert np.linalg.norm(beta - completed.predictor) <= allowed


def test_what_heavy_ball_sums_up_is_the_sum_over_its_steps() -> None:
    """Of one mode: Σ_t Σ_i c_i·(w²(t+1) − m²w²(t))/(1−m)², w the relative velocity, in the limit of small steps."""
    data, momentum, step_size = Dataset(X=np.array([[1.0, 2.0]]), y=np.array([3.0])), 0.8, 0.02
    network, rng = Diagonal(2), np.random.default_rng(0)
    theta = np.array([[1.0, 1.1], [0.2, 0.2]])
    theta[0] *= np.sqrt((3 + 1e-5 + data.X[0] @ theta[1] ** 2) / (data.X[0] @ theta[0] ** 2))
    velocity = 1e-5 * rng.standard_normal() * network.jacobian(theta) * data.X[0]
    space = interpolator_set(data.X, data.y)
    gram, equivalent = GramSpectrum.of(space), step_size / (1 + momentum)
    ahead, now, before = (
        ConservedForm(theta=each, depth=2) for each in (theta + 4 * velocity, theta, theta - velocity)
    )
    rest = RemainingDescent.begin(space, gram, ahead, equivalent).with_momentum(
        momentum, RemainingDescent.begin(space, gram, now, equivalent), before
    )
    squares = [float(np.square(velocity).sum())]
    for _ in range(2000):
        g = (data.X[0] @ network.predictor(theta) - 3) * data.X[0]
        velocity = momentum * velocity - step_size * network.jacobian(theta) * g
        theta = theta + velocity
        squares.append(float(np.square(velocity).sum()))
    total = (sum(squares[1:]) - momentum**2 * sum(squares)) / (1 - momentum) ** 2
    assert rest.energy - 2 * rest.spent == pytest.approx(total, rel=1e-3)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_the_sharpness_of_minibatches_is_that_of_all_of_them(batch_size: int) -> None:
    """N·E[g_B g_Bᵀ] as a form of the residuals, over every minibatch that there is."""
    data = small_problem(3, samples=4, dimension=6)
    c = np.linspace(0.1, 2.0, 6)
    batches = list(combinations(range(4), batch_size))
    form = np.zeros((4, 4))
    for batch in batches:
        rows = data.X[list(batch)] * np.sqrt(c)
        form[np.ix_(batch, batch)] += 4 / batch_size**2 * rows @ rows.T / len(batches)
    space = interpolator_set(data.X, data.y)
    dispersion = (4 - batch_size) / (3 * batch_size)
    spectrum = MinibatchSpectrum(gram=GramSpectrum.of(space), X=data.X, dispersion=dispersion)
    assert spectrum.largest(c) == pytest.approx(np.linalg.eigvalsh(form)[-1], rel=1e-12)
    assert spectrum.largest(np.ones(6)) <= spectrum.largest_moment


def test_sgd_that_is_stable_at_the_mean_gradient_alone_is_not_completed() -> None:
    """ηλ < 2 of all samples, and more in the mean square of one at a time."""
    theta = np.full((2, 7), 0.3)
    found = Completer(DATA, Diagonal(2)).complete(theta, step_size=1e-9, tolerance=np.inf)
    assert isinstance(found, Completion)
    space = interpolator_set(DATA.X, DATA.y)
    spectrum = MinibatchSpectrum(gram=GramSpectrum.of(space), X=DATA.X, dispersion=1.0)
    single = spectrum.largest(Diagonal(2).tangent_weights(found.theta))
    assert single > found.sharpness
    between = 4 / (single + found.sharpness)
    for dispersion, outcome in ((0.0, Completion), (1.0, NotCompletable)):
        stepping = Stepping(dispersion=dispersion)
        again = Completer(DATA, Diagonal(2)).complete(
            found.theta, step_size=between, tolerance=np.inf, stepping=stepping
        )
        assert isinstance(again, outcome)
