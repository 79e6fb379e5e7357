"""How trainings have ended, as arrays: what a checkpoint keeps of those that are over and not yet forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from core.outcome import Outcome
from core.training.batch_training import TrainedRun, TrainingRun
from core.training.recording import QUANTITIES, trajectory

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
        "kicks": _whole([trained.kicks for trained in history]),
        "initial": np.array([trained.run.initial for trained in history]),
        "theta": np.array([trained.theta for trained in history]),
        "limit": np.array([_or_nan(trained) for trained in history]),
        "completion_estimate": np.array([trained.completion_estimate for trained in history]),
        "completion_bound": np.array([trained.completion_bound for trained in history]),
        "gradient_sum": np.array([trained.gradient_sum for trained in history]),
        "recorded": _whole([len(trained.trajectory.record_step) for trained in history]),
        "record_step": np.concatenate([_whole([]), *(trained.trajectory.record_step for trained in history)]),
        "records": np.concatenate([np.empty((0, len(QUANTITIES))), *map(_records, history)]),
    }


def history_of(arrays: Mapping[str, np.ndarray], runs: Mapping[int, TrainingRun]) -> list[TrainedRun]:
    """The ends that `arrays` was taken of, bit for bit; `runs` are those they are trials of, by index.

    Raises:
        KeyError: an end is of none of the runs.
    """
    stops = np.cumsum(arrays["recorded"])
    return [
        _trained(arrays, place, runs[index], slice(stop - length, stop))
        for place, (index, stop, length) in enumerate(
            zip(arrays["index"].tolist(), stops, arrays["recorded"], strict=True)
        )
    ]


def _trained(arrays: Mapping[str, np.ndarray], place: int, run: TrainingRun, records: slice) -> TrainedRun:
    return TrainedRun(
        run=replace(
            run,
            initial=arrays["initial"][place],
            step_size=float(arrays["step_size"][place]),
            record_points=int(arrays["record_points"][place]),
        ),
        outcome=OUTCOMES[int(arrays["outcome"][place])],
        loss=float(arrays["loss"][place]),
        steps=int(arrays["steps"][place]),
        kicks=int(arrays["kicks"][place]),
        theta=arrays["theta"][place],
        gradient_sum=arrays["gradient_sum"][place],
        trajectory=trajectory(arrays["record_step"][records], arrays["records"][records]),
        limit=None if np.isnan(arrays["completion_estimate"][place]) else arrays["limit"][place],
        completion_estimate=float(arrays["completion_estimate"][place]),
        completion_bound=float(arrays["completion_bound"][place]),
    )


def _or_nan(trained: TrainedRun) -> np.ndarray:
    return np.full_like(trained.theta, np.nan) if trained.limit is None else trained.limit


def _records(trained: TrainedRun) -> np.ndarray:
    return np.stack([trained.trajectory.curves[name] for name in QUANTITIES], axis=-1)


def _whole(numbers: Sequence[int]) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)
