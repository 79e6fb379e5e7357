"""The store as the work of one owner sees it: what owners do not share lies under names of each.

An owner is a part of names in the store, and of nothing else: no number, no id and no key of a run depends on it, and
what belongs to nobody lies where it always did.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final, cast

from jobs.ports import ALL, NO_WISHES, NOTHING, Store
from jobs.records import (
    DATA_ANALYSIS,
    Claim,
    FigureRequest,
    Filters,
    FinishedRun,
    Ownership,
    Page,
    Submission,
    UploadEntry,
    Wishes,
)

OWNED: Final = frozenset({"dataset", "dataset-description", "data-analysis"})
"""Kinds of documents that are their owner's even where runs are shared."""

_OF_EXPERIMENTS: Final = (
    "edit notes in_full places experiment records spec cancel retry delete events last_events webhook"
)
_OF_JOBS: Final = "claim heartbeat save_checkpoint checkpoint add_jobs fail release job jobs"
_OF_RESULTS: Final = "summaries first_missing run contents next_figure"
_OF_ALL: Final = "look_around work_waiting untold damaged require_writable room gauges ping"

PASSED: Final = frozenset(f"{_OF_EXPERIMENTS} {_OF_JOBS} {_OF_RESULTS} {_OF_ALL}".split())
"""What is asked of the store as it is: it goes by the id of an experiment, or tells of nobody."""


def owned(store: Store, ownership: Ownership, *, lists_all: bool = False) -> Store:
    """The store as this owner's work sees it; an operator's list has the experiments of all."""
    return cast("Store", OwnedStore(store, lambda: ownership, lists_all=lists_all))


def store_of_experiment(store: Store, experiment_id: str) -> Store:
    """The store as the work on this experiment sees it; whose that is, is asked when it must be known."""
    return cast("Store", OwnedStore(store, lambda: store.experiment(experiment_id).ownership))


class OwnedStore:
    """A view of a store. What stands neither here nor in `PASSED` cannot be asked of it."""

    def __init__(self, store: Store, ownership: Callable[[], Ownership], *, lists_all: bool = False) -> None:
        self._store, self._find, self._lists_all = store, ownership, lists_all

    def __getattr__(self, name: str) -> Any:
        """What does not depend on the owner."""
        if name not in PASSED:
            raise AttributeError(f"{name} cannot be asked of the store of an owner")
        return getattr(self._store, name)

    @cached_property
    def _ownership(self) -> Ownership:
        return self._find()

    @property
    def _owner(self) -> str:
        return self._ownership.owner

    def submit(  # noqa: PLR0913 - as the port has it
        self,
        *,
        spec: bytes,
        content_hash: str,
        name: str,
        tags: Sequence[str],
        runs: int,
        documents: Sequence[str] = (),
        wishes: Wishes = NO_WISHES,
    ) -> Submission:
        """An experiment of this owner."""
        return self._store.submit(
            spec=spec,
            content_hash=content_hash,
            name=name,
            tags=tags,
            runs=runs,
            documents=self._names(documents),
            wishes=wishes,
            ownership=self._ownership,
        )

    def experiments(self, filters: Filters = ALL, *, limit: int = 50, cursor: str | None = None) -> Page:
        """Those of this owner, or of all."""
        theirs = filters if self._lists_all else replace(filters, owner=self._owner)
        return self._store.experiments(theirs, limit=limit, cursor=cursor)

    def use_documents(self, claim: Claim, documents: Sequence[str]) -> None:
        """Those of this owner."""
        self._store.use_documents(claim, self._names(documents))

    def set_run_keys(self, claim: Claim, start: int, keys: Sequence[str]) -> Sequence[int]:
        """Under names of this owner, unless its runs are shared."""
        return self._store.set_run_keys(claim, start, [self._run(key) for key in keys])

    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        """Under the same names."""
        return self._store.commit_runs(claim, self._finished(runs))

    def complete(self, claim: Claim, runs: Sequence[FinishedRun] = ()) -> None:
        """Likewise."""
        self._store.complete(claim, self._finished(runs))

    def _finished(self, runs: Sequence[FinishedRun]) -> list[FinishedRun]:
        return [replace(each, run=replace(each.run, key=self._run(each.run.key))) for each in runs]

    def put_document(self, key: str, document: bytes, *, seconds: float | None = None) -> None:
        """Among those of this owner."""
        self._store.put_document(self._name(key), document, seconds=seconds)

    def document(self, key: str) -> bytes | None:
        """Of those of this owner."""
        return self._store.document(self._name(key))

    def keep_document(self, experiment_id: str, key: str, document: bytes) -> None:
        """Among those of this owner."""
        self._store.keep_document(experiment_id, self._name(key), document)

    def drop_documents(self, keys: Sequence[str], *, expected: Mapping[str, bytes] = NOTHING) -> None:
        """Of those of this owner."""
        named = {self._name(key): document for key, document in expected.items()}
        self._store.drop_documents(self._names(keys), expected=named)

    def request_figure(self, request: FigureRequest, *, seconds: float) -> bool:
        """For this owner; the worker is told the name that the figure has in the store."""
        named = replace(request, key=self._name(request.key), owner=self._owner)
        if request.figure == DATA_ANALYSIS:
            named = replace(named, experiment_id=self._dataset(request.experiment_id))
        return self._store.request_figure(named, seconds=seconds)

    def keep_upload(self, dataset_id: str, *, arrays: bytes, description: bytes) -> bool:
        """Among those of this owner."""
        return self._store.keep_upload(self._dataset(dataset_id), arrays=arrays, description=description)

    def uploads(self, *, limit: int, cursor: str | None = None) -> Sequence[UploadEntry]:
        """Those of this owner."""
        return self._store.uploads(limit=limit, cursor=cursor, owner=self._owner)

    def is_upload(self, dataset_id: str) -> bool:
        """Whether it is one of this owner."""
        return self._store.is_upload(self._dataset(dataset_id))

    def upload_users(self, dataset_id: str, *, most: int) -> Sequence[str]:
        """Experiments of this owner."""
        return self._store.upload_users(self._dataset(dataset_id), most=most)

    def _dataset(self, dataset_id: str) -> str:
        return f"{self._owner}/{dataset_id}" if self._owner else dataset_id

    def _names(self, keys: Sequence[str]) -> list[str]:
        return [self._name(key) for key in keys]

    def _name(self, key: str) -> str:
        """What a document of the owner is called in the store."""
        kind, _, rest = key.partition(":")
        owner = self._owner if kind in OWNED else self._ownership.runs_of
        return f"{kind}:{owner}/{rest}" if owner else key

    def _run(self, key: str) -> str:
        """Under which key a run of the owner is kept: again 256 bits, as the store wants them."""
        owner = self._ownership.runs_of
        return hashlib.sha256(f"{owner}/{key}".encode()).hexdigest() if owner else key
