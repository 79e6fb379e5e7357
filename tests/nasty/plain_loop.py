"""Descent as anyone would write it down: a loop in NumPy, many specs side by side, with no code of the product."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tests.nasty.specs import NastySpec

EVERY: Final = 64
"""Steps from one loss that is kept to the next; all of the first steps are."""

FIRST: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Path:
    """What a loop saw of one spec: the `first` losses, of every step, and the `losses` of every 64th.

    `there` is θ = (u₊, u₋) at the step that was asked for, `last` the last three; NaN where it overflowed.
    """

    first: np.ndarray
    losses: np.ndarray
    there: np.ndarray
    last: list[np.ndarray]

    @property
    def end(self) -> np.ndarray:
        """θ after all steps."""
        return self.last[-1]

    def from_step(self, step: int) -> np.ndarray:
        """The losses from a step on."""
        return self.losses[step // EVERY :]


def loops(specs: Sequence[NastySpec], steps: int, seen: Sequence[int]) -> list[Path]:
    """So many steps of each; `seen` is a step of each at which to look."""
    found: dict[int, Path] = {}
    for squared in (True, False):
        chosen = [index for index, spec in enumerate(specs) if (spec.depth == 2) is squared]
        if chosen:
            paths = _side_by_side([specs[each] for each in chosen], steps, [seen[each] for each in chosen])
            found |= dict(zip(chosen, paths, strict=True))
    return [found[index] for index in range(len(specs))]


def _side_by_side(specs: Sequence[NastySpec], steps: int, seen: Sequence[int]) -> list[Path]:
    problem, watch = _Problem.of(specs), _Watch(steps, seen)
    up = problem.scale * problem.present
    down, v_up, v_down = up.copy(), np.zeros_like(up), np.zeros_like(up)
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            slope_up, slope_down = problem.slope(up), problem.slope(down)
            beta = slope_up * up - slope_down * down
            residual = np.matmul(problem.X, beta[:, :, None])[:, :, 0] - problem.y
            watch.see(step, up, down, residual, problem.size)
            shift_up, shift_down = problem.noise(step), problem.noise(step)
            if problem.noisy:
                slope_up, slope_down = problem.slope(up + shift_up), problem.slope(down + shift_down)
                beta = slope_up * (up + shift_up) - slope_down * (down + shift_down)
                residual = np.matmul(problem.X, beta[:, :, None])[:, :, 0] - problem.y
            weighted = problem.weights() * residual
            gradient = np.matmul(problem.Xt, weighted[:, :, None])[:, :, 0] / problem.size
            rate = problem.rate * np.minimum(1, (step + 1) / problem.warmup)
            pull = rate * problem.depth * gradient
            change_up, change_down = -slope_up * pull, slope_down * pull
            for lane, spec in problem.ascending:
                own = gradient_of(spec, np.stack([up[lane], down[lane]])[:, : spec.X.shape[1]])
                change_up[lane, : own.shape[1]], change_down[lane, : own.shape[1]] = -rate[lane] * own
            v_up, v_down = problem.momentum * v_up + change_up, problem.momentum * v_down + change_down
            up = up + np.where(problem.looks_ahead, problem.momentum * v_up + change_up, v_up)
            down = down + np.where(problem.looks_ahead, problem.momentum * v_down + change_down, v_down)
    return [watch.path(lane, spec.X.shape[1]) for lane, spec in enumerate(specs)]


def gradient_of(spec: NastySpec, theta: np.ndarray) -> np.ndarray:
    """∇L at θ = (u₊, u₋), or of SAM where its ascents lead: one along ∇L, or each sample's along its own gradient."""
    X, y, signs = spec.X, spec.y, spec.depth * np.array([1.0, -1.0])[:, None, None]

    def of_samples(there: np.ndarray) -> np.ndarray:
        """The gradient of ½r_k² at there[:, k], for each k."""
        beta = there[0] ** spec.depth - there[1] ** spec.depth
        residual = (X * beta).sum(axis=1) - y
        return np.asarray(signs * there ** (spec.depth - 1) * (residual[:, None] * X))

    alike = np.repeat(theta[:, None], len(y), axis=1)
    ascent = of_samples(alike)
    if spec.optimizer.get("ascent") != "sample":
        ascent = np.repeat(ascent.mean(axis=1, keepdims=True), len(y), axis=1)
    if spec.optimizer.get("normalized"):
        length = np.sqrt(np.square(ascent).sum(axis=(0, 2), keepdims=True))
        ascent = np.divide(ascent, length, out=np.zeros_like(ascent), where=length > 0)
    return np.asarray(of_samples(alike + spec.rho * ascent).mean(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Problem:
    """Several problems, padded with zeros to one shape."""

    X: np.ndarray
    Xt: np.ndarray
    y: np.ndarray
    present: np.ndarray
    size: np.ndarray
    depth: np.ndarray
    scale: np.ndarray
    rate: np.ndarray
    momentum: np.ndarray
    warmup: np.ndarray
    looks_ahead: np.ndarray
    batches: list[tuple[int, int, int]]
    ascending: list[tuple[int, NastySpec]]
    noisy: list[tuple[int, NastySpec]]
    rng: np.random.Generator
    noise_rng: np.random.Generator

    @classmethod
    def of(cls, specs: Sequence[NastySpec]) -> "_Problem":
        count = len(specs)
        samples, dim = (max(spec.X.shape[axis] for spec in specs) for axis in (0, 1))
        X, y, present = np.zeros((count, samples, dim)), np.zeros((count, samples)), np.zeros((count, dim))
        for lane, spec in enumerate(specs):
            X[lane, : spec.X.shape[0], : spec.X.shape[1]] = spec.X
            y[lane, : len(spec.y)] = spec.y
            present[lane, : spec.X.shape[1]] = 1
        return cls(
            X=X,
            Xt=np.ascontiguousarray(X.transpose(0, 2, 1)),
            y=y,
            present=present,
            size=np.array([[len(spec.y)] for spec in specs], dtype=float),
            depth=np.array([[spec.depth] for spec in specs], dtype=float),
            scale=np.array([[spec.scale] for spec in specs]),
            rate=np.array([[spec.step_size] for spec in specs]),
            momentum=np.array([[spec.momentum] for spec in specs]),
            warmup=np.array([[max(spec.warmup_steps, 1)] for spec in specs], dtype=float),
            looks_ahead=np.array([[spec.looks_ahead] for spec in specs]),
            ascending=[(lane, spec) for lane, spec in enumerate(specs) if spec.rho],
            noisy=[(lane, spec) for lane, spec in enumerate(specs) if spec.noise_deviation],
            batches=[(lane, spec.batch_size, len(spec.y)) for lane, spec in enumerate(specs) if spec.batch_size],
            rng=np.random.default_rng(7),
            noise_rng=np.random.default_rng(8),
        )

    def slope(self, u: np.ndarray) -> np.ndarray:
        """u^(D−1)."""
        return u if (self.depth == 2).all() else np.asarray(u ** (self.depth - 1))

    def noise(self, step: int) -> np.ndarray | float:
        """What is added to u₊ or u₋ where the gradient of a step is taken."""
        here = [(lane, spec) for lane, spec in self.noisy if step < spec.optimizer["noise_steps"]]
        shift = np.zeros_like(self.present) if here else 0.0
        for lane, spec in here:
            shift[lane, : spec.X.shape[1]] = spec.noise_deviation * self.noise_rng.standard_normal(spec.X.shape[1])
        return shift

    def weights(self) -> np.ndarray:
        """1 for all samples, N/b for those of a minibatch."""
        weights = np.ones_like(self.y)
        for lane, batch, own in self.batches:
            weights[lane] = 0
            weights[lane, self.rng.choice(own, batch, replace=False)] = own / batch
        return weights


class _Watch:
    """What is kept of the loops."""

    def __init__(self, steps: int, seen: Sequence[int]) -> None:
        self._steps, self._seen = steps, seen
        self._first: list[np.ndarray] = []
        self._losses: list[np.ndarray] = []
        self._kept: dict[int, np.ndarray] = {}
        self._wanted = {*seen, steps - 2, steps - 1, steps}

    def see(self, step: int, up: np.ndarray, down: np.ndarray, residual: np.ndarray, size: np.ndarray) -> None:
        """Look at all loops before a step is taken."""
        if step % EVERY == 0 or step < FIRST:
            loss = np.square(residual).sum(axis=1) / (2 * size[:, 0])
            if step % EVERY == 0:
                self._losses.append(loss)
            if step < FIRST:
                self._first.append(loss)
        if step in self._wanted:
            self._kept[step] = np.stack([up, down], axis=1)

    def path(self, lane: int, dim: int) -> Path:
        """What was seen of one loop."""
        return Path(
            first=np.array(self._first)[:, lane],
            losses=np.array(self._losses)[:, lane],
            there=self._kept[self._seen[lane]][lane, :, :dim],
            last=[self._kept[step][lane, :, :dim] for step in range(self._steps - 2, self._steps + 1)],
        )
