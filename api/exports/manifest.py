"""What an experiment has: every document with its address, size and digest, and what computed it."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from typing import Any, Final

from fastapi.responses import JSONResponse

from api.experiments.document import links, path
from api.exports.array_answer import NPZ
from api.figures.drawing import Drawing
from api.requests.body import JSON
from api.stored.arrays import interpolators
from api.stored.grid import analysis_rows, grid_of
from core.exports.labelled_json import labelled_pieces
from core.exports.run_table import RunTable
from core.figures.layouts.catalogue import suitable
from core.figures.layouts.files import MEDIA_TYPES as PICTURES
from core.sweep.grid import Grid
from jobs.document_keys import analysis_key, interpolators_key, results_key
from jobs.errors import ExperimentNotFound, StoreFull
from jobs.heading import heading
from jobs.ports import Store
from jobs.records import Experiment
from jobs.states import ExperimentStatus
from jobs.stored_runs import StoredRuns

SOFTWARE: Final = ("stepbias", "numpy", "scipy", "matplotlib")

Document = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """The manifest of an experiment; `state` is what its finished results are kept under, `slowed` makes pauses."""

    experiment: Experiment
    state: str
    store: Store
    slowed: Callable[[Iterator[bytes]], Iterator[bytes]]

    def to_document(self) -> Document:
        """The manifest as JSON; `kernel_ids` are those of the stored runs, `software` is that of this process."""
        facts = self._facts
        results = [_part(facts["results"], f"{self._place}/results.json", JSON)] if facts["results"] else []
        head = heading(self.experiment)
        return (
            head.identity
            | head.attributes
            | {
                "numerics": self.experiment.numerics,
                "kernel_ids": facts["kernel_ids"],
                "software": {package: version(package) for package in SOFTWARE},
                "run_digests": f"{self._place}/manifest/runs.ndjson",
                "documents": [self._spec, *results, *self._analyses(), *self._interpolators(), *self._figures()],
            }
        )

    @property
    def _place(self) -> str:
        return path(self.experiment.id)

    @cached_property
    def _grid(self) -> Grid:
        return grid_of(self.experiment.id, store=self.store)

    @property
    def _spec(self) -> Document:
        return _part(_digest(self.store.spec(self.experiment.id)), f"{self._place}/spec", JSON)

    @cached_property
    def _facts(self) -> Document:
        """What is found by reading every run: it is kept where it does not change any more."""
        if self.experiment.status is not ExperimentStatus.SUCCEEDED:
            return self._found(is_whole=False)
        key = results_key(self.experiment.id, f"facts:{self.state}")
        kept = self.store.document(key)
        if kept is not None:
            facts: Document = json.loads(kept)
            return facts
        found = self._found(is_whole=True)
        try:
            self.store.keep_document(self.experiment.id, key, json.dumps(found).encode())
        except (StoreFull, ExperimentNotFound):
            return found
        return found

    def _found(self, *, is_whole: bool) -> Document:
        kernels: set[str] = set()
        stored = StoredRuns.all if is_whole else StoredRuns.of
        slices = _noting(stored(self.experiment.id, self._grid, self.store).slices(), kernels)
        digest = _Digest()
        pieces = labelled_pieces(RunTable(self._grid), slices, heading(self.experiment).attributes)
        for piece in self.slowed(pieces):
            digest.update(piece)
        return {"results": digest.document if is_whole else None, "kernel_ids": sorted(kernels)}

    def _analyses(self) -> Iterator[Document]:
        for number in self._problems_with(analysis_key):
            rows = list(analysis_rows(self.experiment, self._grid, range(number, number + 1), store=self.store))
            following = str(number + 1) if number + 1 < self._grid.problems else None
            body = JSONResponse({"problems": rows, "next_cursor": following}).body
            yield _part(_digest(bytes(body)), f"{self._place}/analysis?limit=1&cursor={number}", JSON)

    def _interpolators(self) -> Iterator[Document]:
        for number in self._problems_with(interpolators_key):
            content = interpolators(self.experiment, str(number), store=self.store).to_npz()
            yield _part(_digest(content), f"{self._place}/analysis/{number}/interpolators.npz", NPZ)

    def _problems_with(self, key: Callable[[str, str], str]) -> Iterator[int]:
        """The numbers of the problems of which this document is kept."""
        for problem in self._grid.each_problem():
            if self.store.document(key(problem.key, self.experiment.numerics)) is not None:
                yield problem.number

    def _figures(self) -> Iterator[Document]:
        """Those that have been drawn of the experiment as it stands."""
        place = links(self.experiment.id)["figures"]
        contents = self.store.contents(self.experiment.id)
        drawing = partial(Drawing, experiment=self.experiment, contents=contents)
        for name in suitable(self._grid):
            for form, media_type in PICTURES.items():
                picture = self.store.document(drawing(figure=name, format=form).key)
                if picture is not None:
                    yield _part(_digest(picture), f"{place}/{name}.{form}", media_type)


class _Digest:
    """Size and SHA-256 of what comes in pieces."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._bytes = 0

    def update(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._bytes += len(piece)

    @property
    def document(self) -> Document:
        return {"bytes": self._bytes, "sha256": self._hash.hexdigest()}


def _digest(content: bytes) -> Document:
    digest = _Digest()
    digest.update(content)
    return digest.document


def _part(digest: Document, address: str, media_type: str) -> Document:
    return {"href": address, "media_type": media_type} | digest


def _noting(slices: Iterator[list[tuple[int, Any]]], kernels: set[str]) -> Iterator[list[tuple[int, Any]]]:
    """The slices as they are; the kernels of their runs are noted on the way."""
    for runs in slices:
        kernels |= {summary["kernel_id"] for _, summary in runs if summary.get("kernel_id")}
        yield runs
