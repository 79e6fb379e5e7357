"""Whose turn it is: the experiments that wait in one queue, by virtual time. `jobs.ports` says what that means."""

from dataclasses import dataclass, field
from heapq import heappop, heappush


@dataclass(kw_only=True, slots=True)
class _Line:
    """An experiment's queued training jobs, a heap of their numbers and ids, and the work it was given claims to."""

    jobs: list[tuple[int, str]] = field(default_factory=list)
    virtual_time: float = 0.0
    is_held_back: bool = False


class Turns:
    """The lines of one queue, by the numbers of their experiments."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._waiting: dict[int, _Line] = {}
        self._now = 0.0

    def line_up(self, experiment: int, number: int, job_id: str) -> None:
        """A job has become queued; `number` is its place among the jobs of its experiment."""
        heappush(self._line(experiment).jobs, (number, job_id))
        self._take_part(experiment)

    def first(self) -> str | None:
        """The job whose turn it is."""
        turn = self._turn()
        return None if turn is None else self._waiting[turn].jobs[0][1]

    def take(self, work: float) -> None:
        """The turn is taken: its first job is no longer queued, its experiment has been served so much more."""
        turn = self._turn()
        if turn is None:
            raise LookupError("nobody waits")
        line = self._waiting[turn]
        self._now = line.virtual_time
        line.virtual_time += work
        heappop(line.jobs)
        if not line.jobs:
            del self._waiting[turn]

    def hold_back(self, experiment: int) -> None:
        """The experiment takes no turns, whatever lines up for it."""
        self._line(experiment).is_held_back = True
        self._waiting.pop(experiment, None)

    def let_in(self, experiment: int) -> None:
        """It takes turns again."""
        self._line(experiment).is_held_back = False
        self._take_part(experiment)

    def drop(self, experiment: int) -> None:
        """Its queued jobs are no longer to be had."""
        self._waiting.pop(experiment, None)
        self._lines.pop(experiment, None)

    def _line(self, experiment: int) -> _Line:
        return self._lines.setdefault(experiment, _Line())

    def _turn(self) -> int | None:
        waiting = self._waiting
        return min(waiting, key=lambda each: (waiting[each].virtual_time, each), default=None)

    def _take_part(self, experiment: int) -> None:
        line = self._line(experiment)
        if line.jobs and not line.is_held_back and experiment not in self._waiting:
            line.virtual_time = max(line.virtual_time, self._now)
            self._waiting[experiment] = line
