"""How far an experiment is, and how long the rest will take."""

from dataclasses import dataclass

from jobs.states import ACTIVE, ExperimentStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """The work of an experiment's training jobs, in predicted seconds of one core, and the runs that cost none.

    `work_spent` is Σ work of the jobs that are done + Σ fraction · work of the running ones. `planned`: the planning
    job is done, so that `work_total` is known. `started_at` is the time of the first training claim, when
    `work_at_start` had been spent already.
    """

    planned: bool
    runs_total: int
    runs_reused: int
    work_total: float
    work_spent: float
    work_at_start: float
    started_at: float | None

    def progress(self, status: ExperimentStatus) -> float:
        """In [0, 1]: reused runs count by their number, all others by the work of their jobs."""
        if status is ExperimentStatus.SUCCEEDED:
            return 1.0
        if not self.planned:
            return 0.0
        reused = min(self.runs_reused / self.runs_total, 1.0)
        # Sums of floats that come and go leave a rounding error behind, which must not show as −1e-17 or 1.0000001.
        trained = min(max(self.work_spent / self.work_total, 0.0), 1.0) if self.work_total > 0 else 0.0
        return reused + (1.0 - reused) * trained

    def eta_seconds(self, status: ExperimentStatus, now: float) -> float | None:
        """The rest of the work at the mean pace since the first training claim; None where there is no pace yet."""
        if status not in ACTIVE or not self.planned or self.started_at is None:
            return None
        spent_since = self.work_spent - self.work_at_start
        elapsed = now - self.started_at
        # Where a batch was handed back, what is left of its fractions may be a rounding error, and no pace.
        if spent_since <= 1e-9 * self.work_total or elapsed <= 0:
            return None
        return max(self.work_total - self.work_spent, 0.0) / spent_since * elapsed
