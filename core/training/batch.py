"""The runs that are in training together, and their steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from core.descent.ascent import Ascent
from core.descent.batch_descent import BatchDescent, BatchState, StepTerms
from core.descent.gradient_noise import GradientNoise
from core.descent.kernel import NUMPY, kernel_of
from core.descent.loss_events import Chunk, LossEvents
from core.descent.loss_growth import LossGrowth
from core.descent.optimizers import FullBatch
from core.descent.schedule import scheduled
from core.descent.weight_decay import Decay
from core.stability.sharpness import ascended_sharpness_of, interpolator_sharpness_of
from core.training.limits import Limits
from core.training.loss_checks import CHECK_INTERVAL, LONGEST_CHUNK, NEVER
from core.training.problem import Problem
from core.training.training_run import TrainingRun

CHUNK_WORK: Final = 4e9
"""Most flops of a chunk, a tenth of a second or a few of them, unless the steps to a single check have more."""

LEAST_SHRINK: Final = 2.0**-60
"""What stands for a factor 1 − ηλ of 0."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """Some runs on one problem, all of one kind of optimiser, wherever their steps have led them.

    From `even_from` on all steps up to `even_until` are alike: `even` has their η and momentum, what their weights
    shrink to and are pulled by, the same in each row. `keeps_form`: whether their steps keep the row space form.
    `decays`: whether weights of any run do.
    """

    problem: Problem
    runs: Sequence[TrainingRun]
    limits: Limits
    descent: BatchDescent
    noise: GradientNoise
    momentum: Float64[np.ndarray, " run"]
    even_from: int
    even_until: int
    even: Float64[np.ndarray, "4 step run"]
    keeps_form: Bool[np.ndarray, " run"]
    decays: bool = False
    ascent: Ascent | None = None

    @classmethod
    def at(cls, state: BatchState, problem: Problem, runs: Sequence[TrainingRun]) -> Self:
        """The runs at a state."""
        X, y = problem.dataset.X, problem.dataset.y
        optimizers = [run.optimizer for run in runs]
        kernel = kernel_of(problem.kernel, optimizers[0] if runs else FullBatch())
        limits, momentum = Limits.of(problem, runs), np.array([optimizer.momentum for optimizer in optimizers])
        ends = np.array([run.end_step_size for run in runs])
        lasting = np.where([run.weight_decay.lasts for run in runs], ends, 0.0) if runs else ends
        even = np.array([ends, momentum, *_decay(runs, lasting)])[:, None]
        parts, ascents = problem.network.parts, [ascent for each in optimizers if (ascent := each.ascent) is not None]
        return cls(
            problem=problem,
            runs=runs,
            limits=limits,
            descent=kernel(X, y, problem.network, state),
            noise=GradientNoise(
                optimizers,
                [run.seed for run in runs],
                len(y),
                is_backwards=problem.is_backwards,
                is_native=problem.kernel != NUMPY,
                noisy=np.repeat(np.isin(parts, problem.network.trained_parts)[:, None], X.shape[1], axis=1),
            ),
            momentum=momentum,
            even_from=max((run.steady_from for run in runs), default=0),
            even_until=int(limits.max_steps.min(initial=NEVER)),
            even=np.broadcast_to(even, (4, LONGEST_CHUNK + CHECK_INTERVAL, len(runs))),
            keeps_form=np.array([optimizer.keeps_row_space_form for optimizer in optimizers], dtype=bool),
            decays=any(run.weight_decay.rate for run in runs),
            ascent=Ascent.joined(ascents) if ascents else None,
        )

    def longest_chunk(self, start: int) -> int:
        """Most steps in one go from `start`; the noise of steps is drawn ahead, which takes memory."""
        work = 4 * self.problem.dataset.X.size * len(self.runs) * len(self.problem.network.parts) // 2
        longest = max(min(LONGEST_CHUNK, int(CHUNK_WORK // work)), 1)
        return longest if self.noise.quiet_from(start) else min(longest, self.noise.to_span_end(start))

    def advance(
        self,
        start: int,
        stop: int,
        *,
        moves_from: Int64[np.ndarray, " run"],
        events: LossEvents,
        growth: LossGrowth | None = None,
    ) -> Chunk:
        """The steps start ≤ t < stop, up to the first event; before `moves_from` a run stands still."""
        schedule, momentum, shrink, pull = self._schedule(start, stop, moves_from)
        terms = StepTerms(
            noise=self.noise.between(start, stop),
            momentum=momentum,
            decay=Decay(shrink=shrink, pull=pull) if self.decays else None,
            ascent=self.ascent,
        )
        return self.descent.advance(schedule, terms, events=events, growth=growth)

    def theta(self) -> Float64[np.ndarray, "run part dim"]:
        """A copy of the parameters."""
        # Of one run the transposed array may be contiguous as it is: asked for that alone, NumPy would give no copy.
        return np.array(self.descent.theta.transpose(1, 0, 2), order="C", copy=True)

    def velocity(self, index: int) -> Float64[np.ndarray, "part dim"] | None:
        """A copy of the velocity of one run, where there is one."""
        velocity = self.descent.state.velocity
        return None if velocity is None else velocity[:, index].copy()

    def sharpness(self, index: int) -> float:
        """λ_max of the Hessian of one run where it is."""
        return self.problem.sharpnesses_at(self.descent.theta[:, index : index + 1])[0].value

    def instability(self, index: int) -> float:
        """By how much one run is not linearly stable where it is: `Optimizer.instability`."""
        run, X = self.runs[index], self.problem.dataset.X
        if not run.optimizer.sample_rho:
            return run.optimizer.instability(run.end_step_size, self.sharpness(index))
        tangent_weights = self.problem.network.tangent_weights(self.descent.theta[:, index])
        sharpness = ascended_sharpness_of(X, tangent_weights, run.optimizer.sample_rho)
        return run.optimizer.instability(run.end_step_size, sharpness)

    def interpolator_sharpness(self, index: int) -> float:
        """λ_max of the Gram matrix of one run, its sharpness where it interpolates."""
        tangent_weights = self.problem.network.tangent_weights(self.descent.theta[:, index])
        return interpolator_sharpness_of(self.problem.dataset.X, tangent_weights).value

    def _schedule(
        self, start: int, stop: int, moves_from: Int64[np.ndarray, " run"]
    ) -> Sequence[Float64[np.ndarray, "step run"]]:
        """η and the momentum of every step, 0 for a run that waits or is out of budget: such steps change no bit.

        Then what θ shrinks to and is pulled by, 1 and 0 for such a run, where any decays. One row is broadcast over the
        chunk where all its steps are alike.
        """
        limits = self.limits
        all_move = stop <= self.even_until and start >= moves_from.max()
        if all_move and self.even_from <= start:
            return [each[: stop - start] for each in self.even]
        steps = np.arange(start, stop)[:, None]
        shapes = [run.step_shape for run in self.runs]
        schedule = scheduled(limits.step_size, limits.warmup_steps, shapes, start, stop)
        momentum = np.broadcast_to(self.momentum, schedule.shape)
        if not all_move:
            moving = (steps < limits.max_steps) & (steps >= moves_from)
            schedule, momentum = np.where(moving, schedule, 0.0), np.where(moving, self.momentum, 0.0)
        if not self.decays:
            return schedule, momentum, schedule, momentum
        until = [NEVER if run.weight_decay.until is None else run.weight_decay.until for run in self.runs]
        return schedule, momentum, *_decay(self.runs, np.where(steps < until, schedule, 0.0))


def _decay(
    runs: Sequence[TrainingRun], step_sizes: Float64[np.ndarray, "*step run"]
) -> tuple[Float64[np.ndarray, "*step run"], Float64[np.ndarray, "*step run"]]:
    """1 − ηλ, to which θ shrinks, and ηλ, by which a velocity is pulled: the one or the other does.

    Never 0, by which steps without a velocity are divided: `LEAST_SHRINK` is as near to it as rounding 1 − ηλ is.
    """
    lost = step_sizes * np.array([run.weight_decay.rate for run in runs])
    pulled = np.array(
        [run.optimizer.has_velocity and not run.weight_decay.is_decoupled for run in runs], dtype=np.bool_
    )
    shrink = 1 - np.where(pulled, 0.0, lost)
    return np.where(shrink == 0, LEAST_SHRINK, shrink), np.where(pulled, lost, 0.0)
