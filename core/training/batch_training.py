"""Training of a batch: the loop that steps, looks, records and lets finished runs leave.

Everything that happens to a run happens at steps that depend on the run alone, so that its numbers do not depend on the
company it was trained in, nor on being interrupted: `checkpoint` and `resume` continue to the very bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from jaxtyping import Float64, Int64

from core.completion.completion import Completer, Completion, Unsettled
from core.data.regression import Dataset, train_loss
from core.descent.gradient_noise import BLOCK, GradientNoise
from core.descent.kernel import kernel_names, kernels
from core.descent.lanes import Alarm, LaneState
from core.descent.optimizers import HeavyBall, Optimizer
from core.descent.schedule import warmed_up
from core.networks.network import Network
from core.outcome import Outcome
from core.randomness import stream
from core.stability.sharpness import interpolator_sharpness_of
from core.training.completion_attempts import NEVER, REMEMBERED_WITHIN, Attempts, first_attempt
from core.training.delayed_instability import HOLD_BELOW, NEAR, release_step
from core.training.recorder import Recorder
from core.training.recording import Observer, Trajectory
from core.training.stopping import (
    CHECK_INTERVAL,
    DIVERGENCE_FACTOR,
    WINDOW,
    Glances,
    Limits,
    NeverStable,
    Watch,
    at_check_from,
    diverged,
)

KICK_SIZE: Final = 1e-9
"""Size of a kick's residual relative to the root mean square of y."""

LONGEST_STRETCH: Final = 8192
"""Most steps between two looks of the caller, who has a heartbeat to give."""

STRETCH_WORK: Final = 4e9
"""Most flops of a stretch, a tenth of a second or a few of them, unless a single check has more."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingRun:
    """One run of a batch, in numbers: it starts from θ = `initial`, of shape (part, dim).

    `loss_tolerance` is relative to ½Ê[y²], `seed` that of the run's random streams. A run may end by completion once
    the error of its limit is within `completion_tolerance`·‖β‖₂ (`core.completion`), and not where that is 0.
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
    completion_tolerance: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainedRun:
    """How a run ended and where. `steps` is the number of steps taken, kicks not counted among them.

    `theta` is the last iterate and `loss` its loss. A run that ended by completion has its limit, with the estimate and
    the proven bound (∞ where there is none) of the relative error of β there; for any other run they are NaN.
    """

    run: TrainingRun
    outcome: Outcome
    loss: float
    steps: int
    kicks: int
    theta: Float64[np.ndarray, "part dim"]
    gradient_sum: Float64[np.ndarray, " dim"]
    trajectory: Trajectory
    limit: Float64[np.ndarray, "part dim"] | None = None
    completion_estimate: float = np.nan
    completion_bound: float = np.nan

    @property
    def end(self) -> Float64[np.ndarray, "part dim"]:
        """Where the run ends: its limit if it was completed, else its last iterate."""
        return self.theta if self.limit is None else self.limit


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Problem:
    """What the runs of a batch share: the data, the network, and the step sizes that are known to be too large."""

    dataset: Dataset
    network: Network
    never_stable: NeverStable
    kernel: str = field(default_factory=lambda: kernel_names()[0])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Seen:
    """What has been seen of the runs: all of it goes where they go."""

    watch: Watch
    attempts: Attempts
    recorder: Recorder

    def select(self, runs: Int64[np.ndarray, " kept"]) -> "_Seen":
        return _Seen(**{name: getattr(self, name).select(runs) for name in self.__slots__})

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything by name, for a checkpoint."""
        return {
            f"{part}.{name}": array for part in self.__slots__ for name, array in getattr(self, part).arrays().items()
        }

    def restored(self, arrays: Mapping[str, np.ndarray]) -> "_Seen":
        """What `arrays` was taken of; the schedules are those of the runs."""
        watch, attempts, recorder = (_named(arrays, f"{part}.") for part in self.__slots__)
        return _Seen(
            watch=Watch.from_arrays(watch),
            attempts=Attempts.from_arrays(attempts),
            recorder=self.recorder.restored(recorder),
        )


class Training:
    """A batch in training, its runs all of one kind of optimiser. Call `advance` until `active` is empty."""

    def __init__(self, problem: Problem, runs: Sequence[TrainingRun]) -> None:
        dim, parts = problem.dataset.X.shape[1], len(problem.network.parts)
        self._problem, self._dataset = problem, problem.dataset
        y = problem.dataset.y
        self._half_mean_square = float(y @ y) / (2 * len(y))
        self._completer: Completer | None = None
        self._observer = Observer(problem.dataset, problem.network, problem.kernel)
        self._completions: dict[int, Completion] = {}
        self.step = 0
        theta = np.stack([run.initial for run in runs], axis=1) if runs else np.empty((parts, 0, dim))
        momentum = any(isinstance(run.optimizer, HeavyBall) for run in runs)
        state = LaneState.begin(theta, len(y), momentum=momentum)
        seen = _Seen(
            watch=Watch.begin(len(runs), parts, dim),
            attempts=Attempts.begin([_first_attempt(run) for run in runs], dim),
            recorder=Recorder.begin([run.record_points for run in runs], [run.max_steps for run in runs]),
        )
        self._set_up(list(runs), state, seen)
        self._record_if_due()

    @property
    def active(self) -> Sequence[TrainingRun]:
        """The runs that have not ended."""
        return self._runs

    def advance(self) -> list[TrainedRun]:
        """Step to a check at which something may be due; returns the runs that ended there, which leave the batch."""
        oscillating = self._step_over_window_end() if self.step and self.step % WINDOW == 0 else None
        stop = at_check_from(self.step + 1) if oscillating is not None else self._horizon()
        glances: list[Glances] = []
        while self.step < stop:
            glances.append(self._step_to(min(stop, self._recorder.next_due() or stop)))
            if glances[-1].alarmed:
                break
        return self._let_go(self._judge(Glances.joined(glances), oscillating))

    def _horizon(self) -> int:
        """The next check at which something is due, whatever the losses are until then."""
        # As far as this the noise of steps is drawn ahead.
        quiet = self._noise.quiet_from(self.step)
        work = 4 * self._dataset.X.size * len(self._runs) * len(self._problem.network.parts) // 2
        most = min(LONGEST_STRETCH, int(STRETCH_WORK // work)) if quiet else BLOCK
        ahead = self._watch.held_until > self.step
        due = [
            self.step + max(most, 1),
            self.step - self.step % WINDOW + WINDOW,
            int(self._limits.max_steps.min(initial=self.step + WINDOW)),
            int(self._attempts.due.min(initial=self.step + WINDOW)),
            int(self._watch.held_until[ahead].min(initial=self.step + WINDOW)),
        ]
        return at_check_from(max(min(due), self.step + 1))

    def checkpoint(self) -> dict[str, np.ndarray]:
        """All that `resume` needs, by name."""
        return (
            {
                "step": np.array([self.step]),
                "index": np.array([run.index for run in self._runs], dtype=np.int64),
            }
            | self._descent.state.arrays()
            | self._seen.arrays()
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
        training._set_up(active, LaneState.from_arrays(checkpoint), training._seen.restored(checkpoint))
        return training

    def _set_up(self, runs: list[TrainingRun], state: LaneState, seen: _Seen) -> None:
        self._runs, self._seen = runs, seen
        self._watch, self._attempts, self._recorder = seen.watch, seen.attempts, seen.recorder
        self._limits = self._limits_of(runs)
        X, y = self._dataset.X, self._dataset.y
        self._noise = GradientNoise([run.optimizer for run in runs], [run.seed for run in runs], len(y))
        self._momentum = np.array([getattr(run.optimizer, "momentum", 0.0) for run in runs])
        if runs:
            self._descent = kernels()[self._problem.kernel](X, y, self._problem.network, state)

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

    def _step_to(self, stop: int) -> Glances:
        """Step to `stop` at most; a run that is held, or out of budget, takes steps of size 0, which change no bit."""
        start, alarm = self.step, self._alarm()
        schedule, momentum = self._schedule(start, stop)
        stretch = self._descent.advance(
            schedule, perturbation=self._noise.between(start, stop), momentum=momentum, alarm=alarm
        )
        self.step = start + stretch.steps
        self._record_if_due()
        first = at_check_from(start + 1)
        steps = np.arange(first, first + CHECK_INTERVAL * len(stretch.losses), CHECK_INTERVAL)
        return Glances(steps=steps, losses=stretch.losses, alarmed=stretch.alarmed)

    def _schedule(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """η and the momentum of every step; one row is broadcast over the stretch where all its steps are alike."""
        settled = start >= self._limits.warmup_steps.max() and start >= self._watch.held_until.max()
        rows = 1 if settled and stop <= self._limits.max_steps.min() else stop - start
        steps = np.arange(start, start + rows)[:, None]
        moving = (steps < self._limits.max_steps) & (steps >= self._watch.held_until)
        schedule = warmed_up(self._limits.step_size, self._limits.warmup_steps, start, start + rows)
        shape = (stop - start, len(self._runs))
        return (
            np.broadcast_to(np.where(moving, schedule, 0.0), shape),
            np.broadcast_to(np.where(moving, self._momentum, 0.0), shape),
        )

    def _alarm(self) -> Alarm:
        """When a loss is such that something is due: see `_judge`."""
        limits, watch, size = self._limits, self._watch, self._half_mean_square
        kicks = np.array([run.kick for run in self._runs], dtype=np.bool_)
        may_be_held = limits.may_cycle & kicks & (watch.held_until == 0)
        return Alarm(
            start=self.step,
            interval=CHECK_INTERVAL,
            low=limits.tolerance,
            low_from=np.maximum(limits.settled_from, watch.quiet_until),
            calm=np.full(len(self._runs), HOLD_BELOW * size),
            calm_until=np.where(may_be_held, np.minimum(limits.warmup_steps, limits.max_steps), 0),
            high=np.minimum(DIVERGENCE_FACTOR * limits.initial_loss, np.finfo(np.float64).max),
        )

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

    def _judge(self, glances: Glances, oscillating: np.ndarray | None) -> dict[int, Outcome]:
        """The outcome of every run that ends at this check, by its place in the batch."""
        losses = glances.losses[-1]
        self._watch.stay_near(glances, NEAR * self._half_mean_square)
        self._hold_and_release(losses)
        ended: dict[int, Outcome] = {}
        for place in np.flatnonzero(self._limits.max_steps <= self.step).tolist():
            ended[place] = Outcome.BUDGET_EXHAUSTED
        if oscillating is not None:
            ended |= dict.fromkeys(np.flatnonzero(oscillating).tolist(), Outcome.OSCILLATING)
        for place in np.flatnonzero(self._watch.at_checks(self._limits, glances)).tolist():
            verdict = self._judge_interpolator(place)
            if verdict is not None:
                ended[place] = verdict
        last = (self._limits.max_steps <= self.step) & (self._attempts.due < NEVER)
        for place in np.flatnonzero((self._attempts.due <= self.step) | last).tolist():
            undecided = ended.get(place, Outcome.BUDGET_EXHAUSTED) is Outcome.BUDGET_EXHAUSTED
            if undecided and self._completes(place, float(losses[place])):
                ended[place] = Outcome.CONVERGED
        ended |= dict.fromkeys(np.flatnonzero(diverged(self._limits, losses)).tolist(), Outcome.DIVERGED)
        return ended

    def _completes(self, place: int, loss: float) -> bool:
        """Whether the limit of a run is known well enough for it to end here: if not, when to try again."""
        run, attempts = self._runs[place], self._attempts
        self._completer = self._completer or Completer(self._dataset, self._problem.network)
        tolerance, step_size = run.completion_tolerance, run.step_size
        if not attempts.is_ripe(place, self.step, loss) or self._watch.held_until[place] > self.step:
            return False
        if not self._completer.is_worth_trying(loss=loss, step_size=step_size, tolerance=tolerance):
            return False
        theta, remembered = self._descent.theta[:, place].copy(), REMEMBERED_WITHIN * tolerance
        found = self._completer.complete(theta, step_size=step_size, tolerance=remembered)
        if isinstance(found, Unsettled):
            attempts.has_failed(place, loss, found.error, remembered)
        if not isinstance(found, Completion) or not attempts.believes(place, self.step, loss, found, tolerance):
            return False
        if self.step < self._limits.settled_from[place]:
            return False
        self._completions[run.index] = found
        return True

    def _judge_interpolator(self, place: int) -> Outcome | None:
        """A run whose loss is below the tolerance: converged if it is stable there, else kicked on."""
        run = self._runs[place]
        excess = run.step_size * self._interpolator_sharpness(place) - run.optimizer.stability_limit
        if excess < 0:
            return Outcome.CONVERGED
        if not run.kick or self._half_mean_square == 0:
            return Outcome.UNSTABLE_INTERPOLATOR
        if run.max_steps <= self.step:
            return Outcome.BUDGET_EXHAUSTED
        self._kick(place)
        self._watch.give_patience(place, self.step, excess)
        return None

    def _interpolator_sharpness(self, place: int) -> float:
        tangent_weights = self._problem.network.tangent_weights(self._descent.theta[:, place])
        return interpolator_sharpness_of(self._dataset.X, tangent_weights).value

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
        runs = [self._runs[place] for place in kept.tolist()]
        self._set_up(runs, self._descent.state.select(kept), self._seen.select(kept))
        return finished

    def _trained(self, place: int, outcome: Outcome) -> TrainedRun:
        run = self._runs[place]
        steps = min(self.step, run.max_steps)
        if self._recorder.lacks_end(place, steps):
            self._record(np.array([place]), steps)
        completion = self._completions.pop(run.index, None)
        return TrainedRun(
            run=run,
            outcome=outcome,
            loss=float(self._descent.losses()[place]),
            steps=steps,
            kicks=int(self._watch.kicks[place]),
            theta=self._descent.theta[:, place].copy(),
            gradient_sum=self._descent.gradient_sum(place),
            trajectory=self._recorder.trajectory(place),
            limit=None if completion is None else completion.theta,
            completion_estimate=np.nan if completion is None else completion.estimate,
            completion_bound=np.nan if completion is None else completion.bound,
        )

    def _record_if_due(self) -> None:
        due = self._recorder.due(self.step)
        if len(due):
            self._record(due, self.step)

    def _record(self, places: Int64[np.ndarray, " kept"], step: int) -> None:
        values = self._observer.observe(
            self._descent.theta[:, places],
            self._descent.losses()[places],
            np.array([self._runs[place].optimizer.keeps_row_space_form for place in places.tolist()]),
        )
        self._recorder.add(places, step, values)


def _first_attempt(run: TrainingRun) -> int:
    """Never for a run that insists on iterating, or that does not end as gradient descent."""
    if not run.completion_tolerance or not run.optimizer.ends_as_descent:
        return NEVER
    return first_attempt(max(run.warmup_steps, run.optimizer.noise_steps), run.optimizer.noise_steps)


def _named(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
