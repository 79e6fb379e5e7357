"""Training of a batch: the loop that steps, looks, records and lets finished runs leave.

Everything that happens to a run happens at steps that depend on the run alone, so that its numbers do not depend on the
company it was trained in, nor on being interrupted: `checkpoint` and `resume` continue to the very bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.delayed_instability import HOLD_BELOW, NEAR, release_step
from core.descent import Descent
from core.gradient_noise import GradientNoise
from core.networks import Network
from core.optimizers import HeavyBall, Optimizer
from core.outcome import Outcome
from core.randomness import stream
from core.recording import QUANTITIES, Trajectory, observe, record_steps, trajectory
from core.regression import Dataset, train_loss
from core.schedule import warmed_up
from core.sharpness import interpolator_sharpness_of
from core.stopping import CHECK_INTERVAL, WINDOW, Limits, NeverStable, Watch, diverged

KICK_SIZE: Final = 1e-9
"""Size of a kick's residual relative to the root mean square of y."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingRun:
    """One run of a batch, in numbers: it starts from θ = `initial`, of shape (part, dim).

    `loss_tolerance` is relative to ½Ê[y²], `seed` that of the run's random streams.
    """

    index: int
    initial: Float64[np.ndarray, "part dim"]
    optimizer: Optimizer
    step_size: float
    warmup_steps: int
    loss_tolerance: float
    max_steps: int
    kick: bool
    record_points: int
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainedRun:
    """How a run ended and where. `steps` is the number of steps taken, kicks not counted among them."""

    run: TrainingRun
    outcome: Outcome
    loss: float
    steps: int
    kicks: int
    theta: Float64[np.ndarray, "part dim"]
    gradient_sum: Float64[np.ndarray, " dim"]
    trajectory: Trajectory


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Problem:
    """What the runs of a batch share: the data, the network, and the step sizes that are known to be too large."""

    dataset: Dataset
    network: Network
    never_stable: NeverStable


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _State:
    theta: Float64[np.ndarray, "part run dim"]
    gradient_sum: Float64[np.ndarray, "run dim"]
    velocity: Float64[np.ndarray, "part run dim"] | None


class Training:
    """A batch in training, its runs all of one kind of optimiser. Call `advance` until `active` is empty."""

    def __init__(self, problem: Problem, runs: Sequence[TrainingRun]) -> None:
        dim, parts = problem.dataset.X.shape[1], len(problem.network.parts)
        self._problem, self._dataset = problem, problem.dataset
        y = problem.dataset.y
        self._half_mean_square = float(y @ y) / (2 * len(y))
        self.step = 0
        theta = np.stack([run.initial for run in runs], axis=1) if runs else np.empty((parts, 0, dim))
        velocity = np.zeros_like(theta) if any(isinstance(run.optimizer, HeavyBall) for run in runs) else None
        state = _State(theta=theta, gradient_sum=np.zeros((len(runs), dim)), velocity=velocity)
        self._set_up(list(runs), state, Watch.begin(len(runs), parts, dim))
        points = max((run.record_points for run in runs), default=0) + 1
        self._recorded = np.zeros(len(runs), dtype=np.int64)
        self._record_step = np.zeros((len(runs), points), dtype=np.int64)
        self._records = np.zeros((len(runs), points, len(QUANTITIES)))
        self._record_if_due()

    @property
    def active(self) -> Sequence[TrainingRun]:
        """The runs that have not ended."""
        return self._runs

    def advance(self) -> list[TrainedRun]:
        """Step to the next check; returns the runs that ended there, which leave the batch."""
        stop = self.step - self.step % CHECK_INTERVAL + CHECK_INTERVAL
        oscillating = self._step_over_window_end() if self.step and self.step % WINDOW == 0 else None
        while self.step < stop:
            self._step_to(min(stop, self._next_record()))
        return self._let_go(self._judge(oscillating))

    def checkpoint(self) -> dict[str, np.ndarray]:
        """All that `resume` needs, by name."""
        velocity = self._descent.velocity
        return (
            {
                "step": np.array([self.step]),
                "index": np.array([run.index for run in self._runs], dtype=np.int64),
                "theta": self._descent.theta.copy(),
                "gradient_sum": self._descent.gradient_sum.copy(),
                "recorded": self._recorded,
                "record_step": self._record_step,
                "records": self._records,
            }
            | ({} if velocity is None else {"velocity": velocity.copy()})
            | {f"watch.{name}": array for name, array in self._watch.arrays().items()}
        )

    @classmethod
    def resume(cls, problem: Problem, runs: Sequence[TrainingRun], checkpoint: Mapping[str, np.ndarray]) -> Self:
        """The training that `checkpoint` was taken of; `runs` are all runs of the batch, or those still active.

        Raises:
            KeyError: the checkpoint is of another batch.
        """
        # Copies: a checkpoint read from bytes is read-only, and one kept by the caller stays as it was.
        checkpoint = {name: array.copy() for name, array in checkpoint.items()}
        by_index = {run.index: run for run in runs}
        active = [by_index[index] for index in checkpoint["index"].tolist()]
        training = cls(problem, active)
        training.step = int(checkpoint["step"][0])
        watch = {name.removeprefix("watch."): array for name, array in checkpoint.items() if name.startswith("watch.")}
        state = _State(
            theta=checkpoint["theta"], gradient_sum=checkpoint["gradient_sum"], velocity=checkpoint.get("velocity")
        )
        training._set_up(active, state, Watch.from_arrays(watch))
        training._recorded = checkpoint["recorded"]
        training._record_step = checkpoint["record_step"]
        training._records = checkpoint["records"]
        return training

    def _set_up(self, runs: list[TrainingRun], state: _State, watch: Watch) -> None:
        self._runs = runs
        self._watch = watch
        self._limits = self._limits_of(runs)
        self._schedules = [record_steps(run.record_points, run.max_steps) for run in runs]
        X, y = self._dataset.X, self._dataset.y
        self._noise = GradientNoise([run.optimizer for run in runs], [run.seed for run in runs], len(y))
        self._momentum = np.array([getattr(run.optimizer, "momentum", 0.0) for run in runs])
        if runs:
            self._descent = Descent(
                X,
                y,
                network=self._problem.network,
                theta=state.theta,
                gradient_sum=state.gradient_sum,
                velocity=state.velocity,
            )

    def _limits_of(self, runs: Sequence[TrainingRun]) -> Limits:
        warmup_steps = np.array([run.warmup_steps for run in runs], dtype=np.int64)
        noise_steps = np.array([run.optimizer.noise_steps for run in runs], dtype=np.int64)
        return Limits(
            step_size=np.array([run.step_size for run in runs]),
            warmup_steps=warmup_steps,
            settled_from=np.maximum(warmup_steps, noise_steps),
            max_steps=np.array([run.max_steps for run in runs], dtype=np.int64),
            tolerance=np.array([run.loss_tolerance for run in runs]) * self._half_mean_square,
            initial_loss=np.array([self._initial_loss(run) for run in runs]),
            may_cycle=np.array([run.optimizer.is_deterministic for run in runs], dtype=np.bool_),
        )

    def _initial_loss(self, run: TrainingRun) -> float:
        """The loss of the start, or that of β = 0 where it is larger."""
        with np.errstate(all="ignore"):
            start = train_loss(self._problem.network.predictor(run.initial), self._dataset.X, self._dataset.y)
        return max(self._half_mean_square, float(start))

    def _step_to(self, stop: int) -> None:
        """Step to `stop`; a run that is held, or out of budget, takes steps of size 0, which change no bit of it."""
        schedule = warmed_up(self._limits.step_size, self._limits.warmup_steps, self.step, stop)
        steps = np.arange(self.step, stop)[:, None]
        moving = (steps < self._limits.max_steps) & (steps >= self._watch.held_until)
        self._descent.advance(
            np.where(moving, schedule, 0.0),
            perturbation=self._noise.between(self.step, stop),
            momentum=np.where(moving, self._momentum, 0.0),
        )
        self.step = stop
        self._record_if_due()

    def _step_over_window_end(self) -> np.ndarray:
        """Two single steps from the end of a window, to see how θ cycles; who is found to oscillate?"""
        losses = self._descent.losses()
        theta = [self._theta()]
        for _ in range(2):
            self._step_to(self.step + 1)
            theta.append(self._theta())
        impossible = self._problem.never_stable.above(self._reach(), theta[0])
        return self._watch.at_window_end(
            self._limits, self.step - 2, losses, (theta[0], theta[1], theta[2]), impossible
        )

    def _reach(self) -> Float64[np.ndarray, " run"]:
        """The step size of gradient descent to which every run's is equal in what it can settle at."""
        stability_limits = np.array([run.optimizer.stability_limit for run in self._runs])
        reach: Float64[np.ndarray, " run"] = self._limits.step_size * 2 / stability_limits
        return reach

    def _theta(self) -> Float64[np.ndarray, "run part dim"]:
        return np.ascontiguousarray(self._descent.theta.transpose(1, 0, 2))

    def _judge(self, oscillating: np.ndarray | None) -> dict[int, Outcome]:
        """The outcome of every run that ends at this check, by its place in the batch."""
        losses = self._descent.losses()
        self._watch.near_since[~(losses <= NEAR * self._half_mean_square)] = self.step
        self._hold_and_release(losses)
        ended: dict[int, Outcome] = {}
        for place in np.flatnonzero(self._limits.max_steps <= self.step).tolist():
            ended[place] = Outcome.BUDGET_EXHAUSTED
        if oscillating is not None:
            ended |= dict.fromkeys(np.flatnonzero(oscillating).tolist(), Outcome.OSCILLATING)
        for place in np.flatnonzero(self._watch.at_check(self._limits, self.step, losses)).tolist():
            verdict = self._judge_interpolator(place)
            if verdict is not None:
                ended[place] = verdict
        ended |= dict.fromkeys(np.flatnonzero(diverged(self._limits, losses)).tolist(), Outcome.DIVERGED)
        return ended

    def _judge_interpolator(self, place: int) -> Outcome | None:
        """A run whose loss is below the tolerance: converged if it is stable there, else kicked on."""
        run = self._runs[place]
        if run.step_size * self._interpolator_sharpness(place) < run.optimizer.stability_limit:
            return Outcome.CONVERGED
        if not run.kick or self._half_mean_square == 0:
            return Outcome.UNSTABLE_INTERPOLATOR
        if run.max_steps <= self.step:
            return Outcome.BUDGET_EXHAUSTED
        self._kick(place)
        self._watch.give_patience(place, self.step)
        return None

    def _interpolator_sharpness(self, place: int) -> float:
        curvature = self._problem.network.curvature(self._descent.theta[:, place])
        return interpolator_sharpness_of(self._dataset.X, curvature).value

    def _kick(self, place: int) -> None:
        run = self._runs[place]
        rng = stream(run.seed, f"kick {self._watch.kicks[place]}")
        scale = KICK_SIZE * float(np.sqrt(2 * self._half_mean_square))
        step_size = run.step_size * min(1.0, (self.step + 1) / max(run.warmup_steps, 1))
        self._descent.kick(place, step_size, scale * rng.standard_normal(len(self._dataset.y)))
        self._watch.kicks[place] += 1

    def _hold_and_release(self, losses: Float64[np.ndarray, " run"]) -> None:
        """During warm-up: hold the runs whose residual has become small; set free those whose time has come."""
        held_until, limits = self._watch.held_until, self._limits
        warming = (self.step < limits.warmup_steps) & (self.step < limits.max_steps) & limits.may_cycle
        for place in np.flatnonzero(warming & (held_until > 0) & (held_until <= self.step)).tolist():
            self._kick(place)
            # Near once more, and from here on unstable: it is not held again unless it has been away in between.
            held_until[place], self._watch.near_since[place] = 0, self.step
        small = (losses > 0) & (losses <= HOLD_BELOW * self._half_mean_square)
        for place in np.flatnonzero(warming & (held_until == 0) & small).tolist():
            self._hold(place)

    def _hold(self, place: int) -> None:
        """Hold a run. One with kicks off would not get away again: it shows what plain float64 does."""
        run = self._runs[place]
        if not run.kick:
            return
        until = release_step(
            step_size=run.step_size,
            warmup_steps=run.warmup_steps,
            near_since=int(self._watch.near_since[place]),
            sharpness=self._interpolator_sharpness(place),
        )
        self._watch.held_until[place] = until if until > self.step else 0

    def _let_go(self, ended: Mapping[int, Outcome]) -> list[TrainedRun]:
        if not ended:
            return []
        finished = [self._trained(place, outcome) for place, outcome in sorted(ended.items())]
        kept = np.array([place for place in range(len(self._runs)) if place not in ended], dtype=np.int64)
        velocity = self._descent.velocity
        state = _State(
            theta=self._descent.theta[:, kept],
            gradient_sum=self._descent.gradient_sum[kept],
            velocity=None if velocity is None else velocity[:, kept],
        )
        self._recorded, self._record_step, self._records = (
            self._recorded[kept],
            self._record_step[kept],
            self._records[kept],
        )
        self._set_up([self._runs[place] for place in kept.tolist()], state, self._watch.select(kept))
        return finished

    def _trained(self, place: int, outcome: Outcome) -> TrainedRun:
        run = self._runs[place]
        steps = min(self.step, run.max_steps)
        if run.record_points and self._record_step[place, max(self._recorded[place] - 1, 0)] < steps:
            self._record(np.array([place]), steps)
        count = int(self._recorded[place])
        return TrainedRun(
            run=run,
            outcome=outcome,
            loss=float(self._descent.losses()[place]),
            steps=steps,
            kicks=int(self._watch.kicks[place]),
            theta=self._descent.theta[:, place].copy(),
            gradient_sum=self._descent.gradient_sum[place].copy(),
            trajectory=trajectory(self._record_step[place, :count], self._records[place, :count]),
        )

    def _next_record(self) -> int:
        """The earliest step at which any run is to be recorded."""
        pending = [
            int(schedule[count])
            for schedule, count in zip(self._schedules, self._recorded.tolist(), strict=True)
            if count < len(schedule)
        ]
        return min(pending, default=self.step + CHECK_INTERVAL)

    def _record_if_due(self) -> None:
        due = [
            place
            for place, (schedule, count) in enumerate(zip(self._schedules, self._recorded.tolist(), strict=True))
            if count < len(schedule) and schedule[count] == self.step
        ]
        if due:
            self._record(np.array(due), self.step)

    def _record(self, places: Int64[np.ndarray, " due"], step: int) -> None:
        values = observe(
            self._dataset,
            self._problem.network,
            self._descent.theta[:, places],
            self._descent.losses()[places],
            np.array([self._runs[place].optimizer.keeps_row_space_form for place in places.tolist()]),
        )
        self._record_step[places, self._recorded[places]] = step
        self._records[places, self._recorded[places]] = values
        self._recorded[places] += 1
