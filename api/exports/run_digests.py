"""What the arrays of every stored run are, by their digests: a part of the manifest that is read run by run."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from api.experiments.document import path
from api.problems.request_errors import ResultsChanged
from api.stored.arrays import stored_end, true_predictor
from core.sweep.grid import Grid
from jobs.ports import Store
from jobs.records import Experiment
from jobs.states import ExperimentStatus

_SLICE: Final = 20
"""Runs of one piece."""


@dataclass(frozen=True)
class RunDigests:
    """The digests of an experiment's runs."""

    experiment: Experiment
    grid: Grid
    store: Store

    def pieces(self) -> Iterator[bytes]:
        """A JSON object on a line of its own for each stored run, in order.

        Its `index`, its `key`, address, bytes and SHA-256 of its `arrays.npz`, and under `arrays` the SHA-256 of each
        array alone, as little-endian float64.

        Raises:
            ResultsChanged: a run of an experiment that has succeeded is not there.
        """
        for start in range(0, len(self.grid), _SLICE):
            window = range(start, min(start + _SLICE, len(self.grid)))
            yield "".join(f"{json.dumps(line)}\n" for line in self._lines(window)).encode()

    def _lines(self, window: range) -> Iterator[dict[str, Any]]:
        known: dict[int, Float64[np.ndarray, " dim"] | None] = {}
        for index in window:
            stored = self.store.run(self.experiment.id, index)
            if stored is None:
                self._require_unfinished()
                continue
            run, problem = self.grid.run(index), index // self.grid.runs_per_problem
            if problem not in known:
                known[problem] = true_predictor(run, store=self.store)
            end = stored_end(run, stored, known[problem])
            content = end.to_npz()
            yield {
                "index": index,
                "key": stored.key,
                "href": f"{path(self.experiment.id)}/runs/{index}/arrays.npz",
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "arrays": {name: _sha256(array) for name, array in end.arrays.items()},
            }

    def _require_unfinished(self) -> None:
        if self.experiment.status is ExperimentStatus.SUCCEEDED:
            raise ResultsChanged("A stored result is damaged: ask again.", headers={"Retry-After": "1"})


def _sha256(array: Float64[np.ndarray, " dim"]) -> str:
    return hashlib.sha256(array.astype("<f8", copy=False).tobytes()).hexdigest()
