"""The records of the runs of a batch while they are in training: what is due at which step, and what was seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from jaxtyping import Float64, Int64

from core.training.recording import QUANTITIES, Trajectory, record_steps, trajectory


@dataclass(kw_only=True, slots=True, eq=False)
class Recorder:
    """The steps at which each run is to be recorded, and the first `count` records of each."""

    schedules: Sequence[Int64[np.ndarray, " _record"]]
    count: Int64[np.ndarray, " run"]
    step: Int64[np.ndarray, "run record"]
    values: Float64[np.ndarray, "run record quantity"]

    @classmethod
    def begin(cls, points: Sequence[int], max_steps: Sequence[int]) -> Self:
        """Nothing is recorded; there is room for one record more than is asked for, that of a run's end."""
        runs, room = len(points), max(points, default=0) + 1
        return cls(
            schedules=[record_steps(*asked) for asked in zip(points, max_steps, strict=True)],
            count=np.zeros(runs, dtype=np.int64),
            step=np.zeros((runs, room), dtype=np.int64),
            values=np.zeros((runs, room, len(QUANTITIES))),
        )

    def select(self, runs: Int64[np.ndarray, " kept"]) -> Self:
        """The records of some of the runs."""
        return type(self)(
            schedules=[self.schedules[run] for run in runs.tolist()],
            count=self.count[runs],
            step=self.step[runs],
            values=self.values[runs],
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """The records by name, for a checkpoint."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "schedules"}

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """The same schedules with the records that `arrays` was taken of."""
        return type(self)(schedules=self.schedules, **arrays)

    def next_due(self) -> int | None:
        """The earliest step at which any run is still to be recorded."""
        return min((int(schedule[count]) for schedule, count in self._pending()), default=None)

    def due(self, step: int) -> Int64[np.ndarray, " kept"]:
        """The runs to be recorded at this step."""
        places = [
            place
            for place, (schedule, count) in enumerate(zip(self.schedules, self.count.tolist(), strict=True))
            if count < len(schedule) and schedule[count] == step
        ]
        return np.array(places, dtype=np.int64)

    def lacks_end(self, run: int, steps: int) -> bool:
        """Whether a run that is recorded at all has no record of its end after so many steps."""
        return len(self.schedules[run]) > 0 and int(self.step[run, max(self.count[run] - 1, 0)]) < steps

    def add(self, runs: Int64[np.ndarray, " kept"], step: int, values: Float64[np.ndarray, "kept quantity"]) -> None:
        """One record more of some of the runs."""
        self.step[runs, self.count[runs]] = step
        self.values[runs, self.count[runs]] = values
        self.count[runs] += 1

    def trajectory(self, run: int) -> Trajectory:
        """The curves of a run so far."""
        count = int(self.count[run])
        return trajectory(self.step[run, :count], self.values[run, :count])

    def _pending(self) -> list[tuple[Int64[np.ndarray, " _record"], int]]:
        pairs = zip(self.schedules, self.count.tolist(), strict=True)
        return [(schedule, count) for schedule, count in pairs if count < len(schedule)]
