"""How trainings have ended, as arrays: what a checkpoint keeps of those that are over and not yet forgotten."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from core.descent.per_run import under
from core.outcome import Outcome
from core.training.recorded_vectors import vector_names
from core.training.training_run import CompletedLimit, Cycle, Landmark, TrainedRun, TrainingRun
from core.training.trajectory import QUANTITIES, Trajectory, trajectory

OUTCOMES: Final = tuple(Outcome)


def arrays_of(history: Sequence[TrainedRun]) -> dict[str, np.ndarray]:
    """Everything about each end, by name, in numbers alone.

    Of the run that was trained only the index is kept, and what tells the trials of one run apart: its start, its step
    size and how many points of it are recorded. Curves are laid end to end.
    """
    return {
        "index": _whole([trained.run.index for trained in history]),
        "step_size": np.array([trained.run.step_size for trained in history]),
        "record_points": _whole([trained.run.record_points for trained in history]),
        "outcome": _whole([OUTCOMES.index(trained.outcome) for trained in history]),
        "loss": np.array([trained.loss for trained in history]),
        "steps": _whole([trained.steps for trained in history]),
        "perturbations": _whole([trained.perturbations for trained in history]),
        "held_steps": _whole([trained.held_steps for trained in history]),
        "loss_grew": _whole([trained.loss_grew for trained in history]),
        "initial": np.array([trained.run.initial for trained in history]),
        "theta": np.array([trained.theta for trained in history]),
        "velocity": np.array([_velocity_entry(trained) for trained in history]),
        "cycle": np.array([_cycle_entry(trained.cycle) for trained in history]),
        **{f"completion.{name}": array for name, array in _completion_arrays(history).items()},
        "landmark_step": _whole([_landmark_entry(trained).step for trained in history]),
        "landmark_predictor": np.array([_landmark_entry(trained).predictor for trained in history]),
        "gradient_sum": np.array([trained.gradient_sum for trained in history]),
        "recorded": _whole([len(trained.trajectory.record_step) for trained in history]),
        "record_step": np.concatenate([_whole([]), *(trained.trajectory.record_step for trained in history)]),
        "records": np.concatenate([np.empty((0, len(QUANTITIES))), *map(_records, history)]),
        "record_time": np.concatenate([np.empty(0), *(trained.trajectory.time for trained in history)]),
        "record_times": _whole([len(trained.trajectory.time) for trained in history]),
        "vectors": np.concatenate([np.empty(0), *map(_vector_values, history)]),
        "vector_values": _whole([len(_vector_values(trained)) for trained in history]),
    }


def history_of(arrays: Mapping[str, np.ndarray], runs: Mapping[int, TrainingRun]) -> list[TrainedRun]:
    """The ends that `arrays` was taken of, bit for bit; `runs` are those they are trials of, by index.

    Raises:
        KeyError: an end is of none of the runs.
    """
    stops = np.cumsum(arrays["recorded"])
    return [
        _trained(arrays, entry, runs[index], slice(stop - length, stop))
        for entry, (index, stop, length) in enumerate(
            zip(arrays["index"].tolist(), stops, arrays["recorded"], strict=True)
        )
    ]


def _trained(arrays: Mapping[str, np.ndarray], entry: int, run: TrainingRun, records: slice) -> TrainedRun:
    return TrainedRun(
        run=replace(
            run,
            initial=arrays["initial"][entry],
            step_size=float(arrays["step_size"][entry]),
            record_points=int(arrays["record_points"][entry]),
        ),
        outcome=OUTCOMES[int(arrays["outcome"][entry])],
        loss=float(arrays["loss"][entry]),
        steps=int(arrays["steps"][entry]),
        perturbations=int(arrays["perturbations"][entry]),
        theta=arrays["theta"][entry],
        gradient_sum=arrays["gradient_sum"][entry],
        trajectory=_trajectory(arrays, entry, run, records),
        completion=_completion(under("completion", arrays), entry),
        cycle=_cycle(*arrays["cycle"][entry].tolist()),
        held_steps=int(arrays["held_steps"][entry]),
        loss_grew=bool(arrays["loss_grew"][entry]),
        velocity=arrays["velocity"][entry] if run.optimizer.has_velocity else None,
        landmark=_landmark(int(arrays["landmark_step"][entry]), arrays["landmark_predictor"][entry]),
    )


def _trajectory(arrays: Mapping[str, np.ndarray], entry: int, run: TrainingRun, records: slice) -> Trajectory:
    time, values = _part(arrays, "record_time", "record_times", entry), _part(arrays, "vectors", "vector_values", entry)
    parts, dim = run.initial.shape
    names = vector_names(run.record_plan.vectors, parts) if len(time) else ()
    vectors = values.reshape(len(time), len(names), dim)
    return trajectory(
        arrays["record_step"][records], arrays["records"][records], time=time, vectors=vectors, names=names
    )


def _part(arrays: Mapping[str, np.ndarray], name: str, lengths: str, entry: int) -> np.ndarray:
    """What one end has of an array in which those of all are laid end to end."""
    stop = int(arrays[lengths][: entry + 1].sum())
    return arrays[name][stop - int(arrays[lengths][entry]) : stop]


def _completion_arrays(history: Sequence[TrainedRun]) -> dict[str, np.ndarray]:
    """Limits as they are, NaN where a run has none."""
    completions = [
        trained.completion or CompletedLimit(theta=np.full_like(trained.theta, np.nan), estimate=np.nan, bound=np.nan)
        for trained in history
    ]
    return {
        "theta": np.array([completion.theta for completion in completions]),
        "estimate": np.array([completion.estimate for completion in completions]),
        "bound": np.array([completion.bound for completion in completions]),
        "by_strides": np.array([completion.by_strides for completion in completions], dtype=np.int64),
    }


def _completion(arrays: Mapping[str, np.ndarray], entry: int) -> CompletedLimit | None:
    theta, estimate, bound, by_strides = (arrays[name][entry] for name in ("theta", "estimate", "bound", "by_strides"))
    if np.isnan(estimate):
        return None
    return CompletedLimit(theta=theta, estimate=float(estimate), bound=float(bound), by_strides=bool(by_strides))


def _velocity_entry(trained: TrainedRun) -> np.ndarray:
    """NaN where there is none."""
    return np.full_like(trained.theta, np.nan) if trained.velocity is None else trained.velocity


def _landmark_entry(trained: TrainedRun) -> Landmark:
    """One at step 0 where there is none."""
    return trained.landmark or Landmark(step=0, predictor=np.full_like(trained.gradient_sum, np.nan))


def _landmark(step: int, predictor: np.ndarray) -> Landmark | None:
    return Landmark(step=step, predictor=predictor) if step else None


def _cycle_entry(cycle: Cycle | None) -> tuple[float, float]:
    return (math.nan, 0) if cycle is None else (cycle.amplitude, cycle.period)


def _cycle(amplitude: float, period: float) -> Cycle | None:
    return None if math.isnan(amplitude) else Cycle(amplitude=amplitude, period=int(period))


def _vector_values(trained: TrainedRun) -> np.ndarray:
    """Its vectors as recorded together: record by record, each in turn."""
    vectors = list(trained.trajectory.vectors.values())
    return np.stack(vectors, axis=1).ravel() if vectors else np.empty(0)


def _records(trained: TrainedRun) -> np.ndarray:
    return np.stack([trained.trajectory.curves[name] for name in QUANTITIES], axis=-1)


def _whole(numbers: Sequence[int]) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)
