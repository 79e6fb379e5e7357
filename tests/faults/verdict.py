"""The verdict on a drill: is what the service stored what an undisturbed run stores, to the bit?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.experiment.run import run
from core.results.result import decode_summary, to_xarray
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.ports import Store
from jobs.records import StoredRun
from stepbias import ExperimentHandle
from worker.batch import stored_run


def undisturbed(spec: ExperimentSpec) -> dict[str, StoredRun]:
    """Every run of the spec by its key, computed in this process."""
    results = run(spec)
    keys = (entry.key for entry in results.grid.runs())
    stored = (stored_run(*parts) for parts in zip(keys, results.summaries, results.arrays, strict=True))
    return {entry.key: entry for entry in stored}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What an experiment counts, and how many of its runs differ from the undisturbed ones.

    Attributes:
        status: of the experiment.
        total: runs of its grid.
        done: runs it counts as done.
        by_outcome: sum of the runs it counts by how they ended; more than `done` if one was counted twice.
        summaries: runs whose summary it serves.
        different_runs: runs whose stored bytes, summary or arrays, are not the undisturbed ones.
        different_variables: variables of the results document with an entry that is not the undisturbed one.
    """

    status: str
    total: int
    done: int
    by_outcome: int
    summaries: int
    different_runs: int
    different_variables: int

    @property
    def is_flawless(self) -> bool:
        """Everything there, once, and to the bit."""
        complete = self.status == "succeeded" and {self.done, self.by_outcome, self.summaries} == {self.total}
        return complete and not self.different_runs and not self.different_variables


def judge(handle: ExperimentHandle, spec: ExperimentSpec, store: Store, expected: Mapping[str, StoredRun]) -> Verdict:
    """Compare a finished experiment, as HTTP and the store show it, with the runs that `undisturbed` computed."""
    grid = Grid(spec)
    wanted = [expected[run.key] for run in grid.runs()]
    experiment = handle.refresh()
    stored = [store.run(handle.id, index) for index in range(len(grid))]
    return Verdict(
        status=experiment.status,
        total=experiment.runs_total,
        done=experiment.runs_done,
        by_outcome=sum(experiment.outcomes.values()),
        summaries=sum(run["summary"] is not None for run in handle.runs()),
        different_runs=sum(found != run for found, run in zip(stored, wanted, strict=True)),
        different_variables=_different(handle.results()["data_vars"], grid, wanted),
    )


def _different(variables: Mapping[str, Any], grid: Grid, wanted: list[StoredRun]) -> int:
    document = to_xarray(grid, [decode_summary(run.summary) for run in wanted], {})["data_vars"]
    # Through JSON, as the service's answer came; its floats are written so that they are read back to the bit.
    expected: dict[str, Any] = json.loads(json.dumps(document))
    return sum(variables.get(name) != expected.get(name) for name in variables.keys() | expected.keys())
