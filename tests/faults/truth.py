"""The truth: every run as it is when nothing happens, computed in processes of our own, and the service held to it."""

import json
import multiprocessing
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from typing import Any

from core.experiment.run import run
from core.results.result import decode_summary, to_xarray
from core.sweep.grid import Grid
from jobs.ports import Store
from jobs.records import StoredRun
from tests.faults.ledger import Entry
from tests.faults.load import Drawn
from worker.batch import stored_run

Runs = Mapping[str, StoredRun]


def undisturbed(drawn: Iterable[Drawn], *, processes: int = 2) -> Runs:
    """Every run of these specs by its key.

    All scales of a kind and a data set are trained together, which is not how the service has trained them.
    """
    scales: dict[tuple[str, int | None], set[float]] = defaultdict(set)
    for spec in drawn:
        for seed in spec.seeds or (None,):
            scales[spec.kind, seed] |= set(spec.scales)
    merged = [
        Drawn(kind=kind, scales=tuple(sorted(found)), seeds=() if seed is None else (seed,), name="")
        for (kind, seed), found in scales.items()
    ]
    # Fresh processes: a fork of one that has threads may hang.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return dict(chain.from_iterable(pool.map(runs_of, merged)))


def runs_of(drawn: Drawn) -> list[tuple[str, StoredRun]]:
    """The runs of one spec, trained here, by their keys."""
    results = run(drawn.spec())
    keys = (each.key for each in results.grid.runs())
    return [
        (key, stored_run(key, summary, arrays))
        for key, summary, arrays in zip(keys, results.summaries, results.arrays, strict=True)
    ]


def complaints(entry: Entry, store: Store, truth: Runs, document: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with an experiment that is finished; `document` are its results as HTTP gives them.

    What was cancelled may have any of its runs, but no other ones.
    """
    grid = Grid(entry.drawn.spec())
    wanted = [truth[each.key] for each in grid.runs()]
    experiment = store.experiment(entry.id)
    stored = [store.run(entry.id, index) for index in range(len(grid))]
    there = [run for run in stored if run is not None]
    different = sum(run not in {None, truth} for run, truth in zip(stored, wanted, strict=True))
    counted = {"runs done": experiment.runs_done, "outcomes": sum(experiment.outcomes.values())}
    return [
        *([f"different: {different} of {len(grid)} runs"] if different else []),
        *(f"doubled: {name} {number}, stored {len(there)}" for name, number in counted.items() if number > len(there)),
        # A cancelled experiment does not count what others have computed of it since.
        *(
            f"lost: {name} {number}, stored {len(there)}"
            for name, number in counted.items()
            if number < len(there) and experiment.status != "cancelled"
        ),
        *_incomplete(entry, experiment.status, len(grid) - len(there)),
        *([] if document is None else _other_variables(document, grid, wanted)),
    ]


def _incomplete(entry: Entry, status: str, missing: int) -> list[str]:
    if status == "succeeded":
        return [f"lost: it has succeeded without {missing} runs"] if missing else []
    return [] if status == "cancelled" and entry.is_cancelled else [f"lost: it is {status}"]


def _other_variables(variables: Mapping[str, Any], grid: Grid, wanted: list[StoredRun]) -> list[str]:
    document = to_xarray(grid, [decode_summary(run.summary) for run in wanted], {})["data_vars"]
    # Through JSON, as the service's answer came; its floats are written so that they are read back to the bit.
    expected: dict[str, Any] = json.loads(json.dumps(document))
    names = sorted(name for name in variables.keys() | expected.keys() if variables.get(name) != expected.get(name))
    return [f"different: {', '.join(names)}"] if names else []
