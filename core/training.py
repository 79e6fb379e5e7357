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
from core.outcome import Outcome
from core.randomness import stream
from core.recording import QUANTITIES, Trajectory, observe, record_steps, trajectory
from core.regression import Dataset
from core.schedule import warmed_up
from core.sharpness import interpolator_sharpness
from core.stopping import CHECK_INTERVAL, WINDOW, Limits, Watch, diverged

KICK_SIZE: Final = 1e-9
"""Size of a kick's residual relative to the root mean square of y."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRun:
    """One run of a batch, in numbers: `loss_tolerance` relative to ½Ê[y²], `seed` that of the run's random streams."""

    index: int
    step_size: float
    init_scale: float
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
    u_plus: Float64[np.ndarray, " dim"]
    u_minus: Float64[np.ndarray, " dim"]
    gradient_sum: Float64[np.ndarray, " dim"]
    trajectory: Trajectory


class Training:
    """A batch in training. Call `advance` until `active` is empty.

    `never_stable_above` is 2/(certified lower bound of min λ_max) of the data set: above it no interpolator is stable.
    """

    def __init__(self, dataset: Dataset, runs: Sequence[TrainingRun], *, never_stable_above: float) -> None:
        dim = dataset.X.shape[1]
        scales = np.array([run.init_scale for run in runs])
        u = np.broadcast_to(scales[None, :, None], (2, len(runs), dim))
        self._dataset = dataset
        self._never_stable_above = never_stable_above
        self._half_mean_square = float(dataset.y @ dataset.y) / (2 * len(dataset.y))
        self.step = 0
        self._set_up(list(runs), u, np.zeros((len(runs), dim)), Watch.begin(len(runs), dim))
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
        return {
            "step": np.array([self.step]),
            "index": np.array([run.index for run in self._runs], dtype=np.int64),
            "u": self._descent.u.copy(),
            "gradient_sum": self._descent.gradient_sum.copy(),
            "recorded": self._recorded,
            "record_step": self._record_step,
            "records": self._records,
        } | {f"watch.{name}": array for name, array in self._watch.arrays().items()}

    @classmethod
    def resume(
        cls,
        dataset: Dataset,
        runs: Sequence[TrainingRun],
        checkpoint: Mapping[str, np.ndarray],
        *,
        never_stable_above: float,
    ) -> Self:
        """The training that `checkpoint` was taken of; `runs` are all runs of the batch, or those still active.

        Raises:
            KeyError: the checkpoint is of another batch.
        """
        # Copies: a checkpoint read from bytes is read-only, and one kept by the caller stays as it was.
        checkpoint = {name: array.copy() for name, array in checkpoint.items()}
        by_index = {run.index: run for run in runs}
        active = [by_index[index] for index in checkpoint["index"].tolist()]
        training = cls(dataset, active, never_stable_above=never_stable_above)
        training.step = int(checkpoint["step"][0])
        watch = {name.removeprefix("watch."): array for name, array in checkpoint.items() if name.startswith("watch.")}
        training._set_up(active, checkpoint["u"], checkpoint["gradient_sum"], Watch.from_arrays(watch))
        training._recorded = checkpoint["recorded"]
        training._record_step = checkpoint["record_step"]
        training._records = checkpoint["records"]
        return training

    def _set_up(self, runs: list[TrainingRun], u: np.ndarray, gradient_sum: np.ndarray, watch: Watch) -> None:
        self._runs = runs
        self._watch = watch
        self._limits = self._limits_of(runs)
        self._schedules = [record_steps(run.record_points, run.max_steps) for run in runs]
        if runs:
            self._descent = Descent(self._dataset.X, self._dataset.y, u, gradient_sum)

    def _limits_of(self, runs: Sequence[TrainingRun]) -> Limits:
        return Limits(
            step_size=np.array([run.step_size for run in runs]),
            warmup_steps=np.array([run.warmup_steps for run in runs], dtype=np.int64),
            max_steps=np.array([run.max_steps for run in runs], dtype=np.int64),
            tolerance=np.array([run.loss_tolerance for run in runs]) * self._half_mean_square,
            initial_loss=np.full(len(runs), self._half_mean_square),
            never_stable_above=self._never_stable_above,
        )

    def _step_to(self, stop: int) -> None:
        """Step to `stop`; a run that is held, or out of budget, takes steps of size 0, which change no bit of it."""
        schedule = warmed_up(self._limits.step_size, self._limits.warmup_steps, self.step, stop)
        steps = np.arange(self.step, stop)[:, None]
        moving = (steps < self._limits.max_steps) & (steps >= self._watch.held_until)
        self._descent.advance(np.where(moving, schedule, 0.0))
        self.step = stop
        self._record_if_due()

    def _step_over_window_end(self) -> np.ndarray:
        """Two single steps from the end of a window, to see how θ cycles; who is found to oscillate?"""
        losses = self._descent.losses()
        theta = [self._theta()]
        for _ in range(2):
            self._step_to(self.step + 1)
            theta.append(self._theta())
        return self._watch.at_window_end(self._limits, self.step - 2, losses, (theta[0], theta[1], theta[2]))

    def _theta(self) -> Float64[np.ndarray, "run 2 dim"]:
        return np.ascontiguousarray(self._descent.u.transpose(1, 0, 2))

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
        run, u = self._runs[place], self._descent.u[:, place]
        sharpness = interpolator_sharpness(self._dataset.X, u[0], u[1]).value
        if run.step_size * sharpness < 2:
            return Outcome.CONVERGED
        if not run.kick or self._half_mean_square == 0:
            return Outcome.UNSTABLE_INTERPOLATOR
        if run.max_steps <= self.step:
            return Outcome.BUDGET_EXHAUSTED
        self._kick(place)
        self._watch.give_patience(place, self.step)
        return None

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
        warming = (self.step < limits.warmup_steps) & (self.step < limits.max_steps)
        for place in np.flatnonzero(warming & (held_until > 0) & (held_until <= self.step)).tolist():
            self._kick(place)
            # Near once more, and from here on unstable: it is not held again unless it has been away in between.
            held_until[place], self._watch.near_since[place] = 0, self.step
        small = (losses > 0) & (losses <= HOLD_BELOW * self._half_mean_square)
        for place in np.flatnonzero(warming & (held_until == 0) & small).tolist():
            self._hold(place)

    def _hold(self, place: int) -> None:
        """Hold a run. One with kicks off would not get away again: it shows what plain float64 does."""
        run, u = self._runs[place], self._descent.u[:, place]
        if not run.kick:
            return
        until = release_step(
            step_size=run.step_size,
            warmup_steps=run.warmup_steps,
            near_since=int(self._watch.near_since[place]),
            sharpness=interpolator_sharpness(self._dataset.X, u[0], u[1]).value,
        )
        self._watch.held_until[place] = until if until > self.step else 0

    def _let_go(self, ended: Mapping[int, Outcome]) -> list[TrainedRun]:
        if not ended:
            return []
        finished = [self._trained(place, outcome) for place, outcome in sorted(ended.items())]
        kept = np.array([place for place in range(len(self._runs)) if place not in ended], dtype=np.int64)
        u, gradient_sum = self._descent.u[:, kept], self._descent.gradient_sum[kept]
        self._recorded, self._record_step, self._records = (
            self._recorded[kept],
            self._record_step[kept],
            self._records[kept],
        )
        self._set_up([self._runs[place] for place in kept.tolist()], u, gradient_sum, self._watch.select(kept))
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
            u_plus=self._descent.u[0, place].copy(),
            u_minus=self._descent.u[1, place].copy(),
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
        values = observe(self._dataset, self._descent.u[:, places], self._descent.losses()[places])
        self._record_step[places, self._recorded[places]] = step
        self._records[places, self._recorded[places]] = values
        self._recorded[places] += 1
