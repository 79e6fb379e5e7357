"""Nasty specs: degenerate data, extreme units and scales, deep saddles, rough optimisers."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from core.spec.experiment_spec import ExperimentSpec

MAX_STEPS: Final = 100_000
"""The budget of every run: half of what the loop takes at least."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NastySpec:
    """One run: data, depth D, scale α of the start, and the optimiser as it stands in a spec."""

    name: str
    X: Float64[np.ndarray, "sample dim"]
    y: Float64[np.ndarray, " sample"]
    depth: int
    scale: float
    step_size: float
    optimizer: dict[str, Any] = field(default_factory=dict)
    stopping: dict[str, Any] = field(default_factory=dict)

    @property
    def momentum(self) -> float:
        """m, 0 without."""
        return float(self.optimizer.get("momentum", 0.0))

    @property
    def limit(self) -> float:
        """Of ηλ(1 + ρλ): 2 + 2m, divided by 1 + 2m of Nesterov's."""
        return (2 + 2 * self.momentum) / (1 + 2 * self.momentum if self.looks_ahead else 1)

    @property
    def looks_ahead(self) -> bool:
        """Of Nesterov's momentum."""
        return bool(self.optimizer.get("kind") == "nesterov")

    @property
    def rho(self) -> float:
        """ρ of SAM, 0 without."""
        return float(self.optimizer.get("rho", 0.0))

    @property
    def linear_rho(self) -> float:
        """ρ where an ascent is as small as its gradient."""
        return 0.0 if self.optimizer.get("normalized") else self.rho

    @property
    def noise_deviation(self) -> float:
        """σ of the noise on parameters, 0 without."""
        return float(self.optimizer.get("variance", 0.0)) ** 0.5

    @property
    def batch_size(self) -> int | None:
        """Of a minibatch."""
        return self.optimizer.get("batch_size")

    @property
    def warmup_steps(self) -> int:
        """W."""
        return int(self.optimizer.get("warmup_steps", 0))

    def at(self, step_size: float, **optimizer: Any) -> "NastySpec":
        """The same with another step size, or what else of the optimiser is another."""
        return replace(self, step_size=step_size, optimizer=self.optimizer | optimizer)

    def to_spec(self) -> ExperimentSpec:
        """The document."""
        kind = {"kind": "gradient_descent"} | self.optimizer
        body = {
            "data": {"kind": "inline", "X": self.X.tolist(), "y": self.y.tolist()},
            "model": {"kind": "diagonal", "depth": self.depth},
            "initialization": {"kind": "uniform", "scale": self.scale},
            "optimizer": kind | {"step_size": self.step_size},
            "stopping": {"max_steps": MAX_STEPS} | self.stopping,
            "recording": {"points": 0},
        }
        return ExperimentSpec.model_validate(body)


def _step(X: np.ndarray, y: np.ndarray, depth: int, share: float) -> float:
    """The share of 2/λ_max at the flattest parameters of the least ℓ2 norm, roughly; of 2/λ_max(XᵀX/N) where y = 0."""
    beta = np.abs(np.linalg.lstsq(X, y)[0])
    weights = depth**2 * beta ** (2 - 2 / depth) if beta.any() else np.ones_like(beta)
    gram = X * weights @ X.T / len(y)
    return float(f"{share * 2 / max(np.linalg.eigvalsh(gram)[-1], 1e-300):.6g}")


def _data() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    plain = 1 + rng.standard_normal((3, 6))
    target = plain[:, 0] + plain[:, 1]
    tall = rng.standard_normal((8, 3))
    low = rng.standard_normal((4, 2)) @ rng.standard_normal((2, 6))
    constant = np.column_stack([rng.standard_normal((4, 4)), np.ones(4), 2 * np.ones(4)])
    nearly = np.vstack([plain, plain[0] + 1e-4 * rng.standard_normal(6)])
    return {
        "plain": (plain, target),
        "N = 1": (np.array([[1.0, 2.0, -1.0, 0.5, 3.0]]), np.array([3.0])),
        "N = d = 1": (np.array([[2.0]]), np.array([1.0])),
        "N = d = 1, y < 0": (np.array([[2.0]]), np.array([-1.0])),
        "d = 1, N = 3, fits": (np.array([[1.0], [2.0], [3.0]]), np.array([2.0, 4.0, 6.0])),
        "d = 1, N = 3": (np.array([[1.0], [2.0], [3.0]]), np.array([2.0, 5.0, 5.0])),
        "N > d": (tall, tall @ np.array([1.0, -1.0, 0.0]) + 0.3 * rng.standard_normal(8)),
        "N > d, rank 2": (tall[:, [0, 1, 1]], tall @ np.array([1.0, -1.0, 0.5])),
        "N = d": (tall[:3], tall[:3] @ np.array([1.0, 0.0, -2.0])),
        "rank 2": (low, low[:, 0] - low[:, 3]),
        "equal columns": (plain[:, [0, 0, 1, 1, 2, 2]], target),
        "constant columns": (constant, constant @ np.array([1.0, 0, 0, 0, 1.0, 0])),
        "a column of 0": (plain * np.array([0.0, 1, 1, 1, 1, 1]), target),
        "equal rows": (plain[[0, 1, 1]], target[[0, 1, 1]]),
        "equal rows, unequal y": (plain[[0, 1, 1]], target[[0, 1, 1]] + np.array([0.0, 0.0, 1.0])),
        "nearly equal rows": (nearly, nearly[:, 0] + nearly[:, 1]),
        "uneven columns": (plain * 10.0 ** np.arange(-3, 3), target),
        "y = 0": (plain, np.zeros(3)),
    }


DATA: Final = _data()


def _degenerate() -> Iterator[NastySpec]:
    for name, (X, y) in DATA.items():
        for share in (0.5, 4.0):
            yield NastySpec(name=name, X=X, y=y, depth=2, scale=0.1, step_size=_step(X, y, 2, share))


def _extreme() -> Iterator[NastySpec]:
    X, y = DATA["plain"]
    for unit in (1e-8, 1e-3, 1e3, 1e8):
        for what, (A, b) in {"X": (unit * X, y), "y": (X, unit * y)}.items():
            step = _step(A, b, 2, 0.5)
            yield NastySpec(name=f"{what} × {unit:g}", X=A, y=b, depth=2, scale=0.1, step_size=step)
    for scale, share in product((1e-12, 1e-6, 1e-3, 1.0, 10.0), (0.3, 1.5)):
        yield NastySpec(name="scale", X=X, y=y, depth=2, scale=scale, step_size=_step(X, y, 2, share))


def _deep() -> Iterator[NastySpec]:
    X, y = DATA["plain"]
    for depth, scale in product((3, 4, 16, 64), (0.5, 1.0)):
        yield NastySpec(name="deep", X=X, y=y, depth=depth, scale=scale, step_size=_step(X, y, depth, 0.2))
    for depth, scale, step in product((3, 8, 64), (1e-6, 1e-3, 0.1), (0.05, 0.5, 5.0)):
        yield NastySpec(name="saddle", X=X, y=y, depth=depth, scale=scale, step_size=step)
    X, y = np.array([[1.0, 0, 0], [0, 1, 0.5]]), np.array([1.0, 1e-3])
    yield NastySpec(name="two saddles", X=X, y=y, depth=2, scale=1e-7, step_size=0.05)


def _rough() -> Iterator[NastySpec]:
    optimizers = (
        {"kind": "heavy_ball", "momentum": 0.99},
        {"kind": "heavy_ball", "momentum": 0.5},
        {"kind": "sgd", "batch_size": 1, "seed": 1},
        {"kind": "nesterov", "momentum": 0.5},
        {"kind": "nesterov", "momentum": 0.99},
        {"kind": "sam", "rho": 0.05},
        {"kind": "sam", "rho": 0.05, "ascent": "sample"},
        {"kind": "sam", "rho": 0.05, "normalized": True},
        {"kind": "parameter_noise", "variance": 0.01, "noise_steps": 1000, "seed": 1},
    )
    for name, optimizer, share in product(("plain", "N > d", "equal rows, unequal y"), optimizers, (0.3, 4.0)):
        X, y = DATA[name]
        step = _step(X, y, 2, share)
        yield NastySpec(name=name, X=X, y=y, depth=2, scale=0.1, step_size=step, optimizer=optimizer)
    X, y = DATA["N = 1"]
    for warmup in (1000, 20_000):
        warmed, step = {"warmup_steps": warmup}, _step(X, y, 2, 0.9)
        yield NastySpec(name="N = 1", X=X, y=y, depth=2, scale=1.0, step_size=step, optimizer=warmed)
    X, y = DATA["plain"]
    warmed, step = {"warmup_steps": 20_000}, _step(X, y, 2, 2.0)
    how = {"optimizer": warmed, "stopping": {"perturb": False}}
    yield NastySpec(name="not pushed", X=X, y=y, depth=2, scale=1.0, step_size=step, **how)


NASTY: Final = (*_degenerate(), *_extreme(), *_deep(), *_rough())
