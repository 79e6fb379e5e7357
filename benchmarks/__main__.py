"""`make bench`: how long one step of one run takes, by batch size, next to the same loop run by run."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from core.descent import Descent
from core.kernel import kernel_id, one_thread
from core.networks import UV, Diagonal, Network
from core.regression import Dataset, sparse_regression

LANES = (1, 8, 16, 32, 64, 128, 256, 512)
ROUNDS = 5
STEPS = 200


def main() -> None:
    """Print microseconds per run and step, median of five rounds taken in turn."""
    data = sparse_regression(samples=50, dimension=100, sparsity=5, mean=5.0, variance=5.0, noise_variance=0.01, seed=0)
    candidates: dict[str, tuple[int, Callable[[], None]]] = {
        "run by run": (1, lambda: run_by_run(data)),
        **{f"batch of {lanes}": (lanes, batch(data, Diagonal(2), lanes)) for lanes in LANES},
        **{f"{network.key}, 128": (128, batch(data, network, 128)) for network in (Diagonal(3), Diagonal(4), UV())},
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    with one_thread():
        for _ in range(ROUNDS):
            for name, (lanes, work) in candidates.items():
                start = time.perf_counter()
                work()
                times[name].append((time.perf_counter() - start) / STEPS / lanes * 1e6)
    print(f"{kernel_id()}; d = 100, N = 50, depth 2 unless named; one core")
    reference = statistics.median(times["run by run"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:>15}: {median:7.3f} µs per run and step, {reference / median:5.1f} × as fast as run by run")


def batch(data: Dataset, network: Network, lanes: int) -> Callable[[], None]:
    """Steps of a batch."""
    dim = data.X.shape[1]
    theta, gradient_sum = np.full((len(network.parts), lanes, dim), 0.1), np.zeros((lanes, dim))
    descent = Descent(data.X, data.y, network=network, theta=theta, gradient_sum=gradient_sum)
    schedule = np.full((STEPS, lanes), 1e-4)
    return lambda: descent.advance(schedule)


def run_by_run(data: Dataset) -> None:
    """The loop a user would write first."""
    u_plus, u_minus = np.full(data.X.shape[1], 0.1), np.full(data.X.shape[1], 0.1)
    for _ in range(STEPS):
        residual = data.X @ (u_plus**2 - u_minus**2) - data.y
        gradient = data.X.T @ residual / len(data.y)
        u_plus, u_minus = u_plus - 2e-4 * u_plus * gradient, u_minus + 2e-4 * u_minus * gradient


if __name__ == "__main__":
    main()
