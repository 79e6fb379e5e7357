"""What stands in for the costly parts: batches of two runs, training of one run a step, hearts without threads."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any, Final, Self, TypeVar
from unittest.mock import patch

import numpy as np
from typing_extensions import override  # in typing itself from Python 3.12 on

from core.analysis.problem import AnalysedProblem, analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.array_block import pack_arrays
from core.data.regression import Dataset
from core.experiment.dataset import dataset_of
from core.experiment.run_batch import EndedRun
from core.networks.network import Network
from core.planning.batches import Batch
from core.results.result import Summary
from core.spec.experiment_spec import ExperimentSpec
from core.sweep import keys
from core.sweep.grid import Grid, GridProblem
from core.sweep.grid_run import Run
from core.sweep.keys import problem_key
from jobs.errors import StoreUnavailable
from jobs.records import JobKind, StoredRun
from worker.batch import stored_run
from worker.heartbeat import Heartbeat


class Confused(BaseException):
    """Something came to the wrong place; no handler of the product makes it good."""


UNTRAINABLE = 7.0
"""The initialisation scale of runs at which every attempt fails."""


class Arithmetic:
    """A batch whose runs end one at a step, with numbers that follow from their keys; its checkpoint lists the rest."""

    def __init__(
        self, grid: Grid, indices: Sequence[int], *_: object, checkpoint: bytes | None = None, **__: object
    ) -> None:
        left = indices if checkpoint is None else json.loads(checkpoint)
        if not set(left) <= set(indices):
            raise Confused("a checkpoint of another batch")
        self._left = [grid.run(index) for index in left]
        self._total = len(indices)

    @property
    def active(self) -> Sequence[Run]:
        """Those that have not ended."""
        return self._left

    @property
    def fraction(self) -> float:
        """The part that is done."""
        return 1 - len(self._left) / self._total

    def advance(self) -> list[EndedRun]:
        """The first of them ends."""
        run = self._left.pop(0)
        if run.init_scale == UNTRAINABLE:
            raise ArithmeticError("no attempt can train this")
        return [EndedRun(run=run, summary=truth(run), arrays={"theta": np.zeros(1)})]

    def checkpoint(self) -> bytes:
        """What is left to do."""
        return json.dumps([run.index for run in self._left]).encode()


def truth(run: Run) -> Mapping[str, Any]:
    """What every result of this run must be."""
    return {"outcome": ("converged", "diverged")[int(run.key, 16) % 2], "train_loss": float(int(run.key[:8], 16))}


class SteadyHeart(Heartbeat):
    """Beats at every check instead of from a thread; a batch may hang after one, and then it beats alone."""

    hangs: Callable[[], bool] = staticmethod(lambda: False)

    def __enter__(self) -> Self:
        """Beat once."""
        self._beat()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to end."""

    def check(self, fraction: float) -> None:
        """Beat, then as ever."""
        self._look_after_it()
        super().check(fraction)
        if self._claim.job.kind is JobKind.TRAIN and self.hangs():
            self._hang()

    def _hang(self) -> None:
        until = self._context.clock() + 5 * self._stall_seconds
        while self._context.clock() < until:
            self._context.pause(self._context.settings.heartbeat_seconds)
            with suppress(StoreUnavailable):
                self._look_after_it()
        raise Confused("a batch hangs, and nobody ends it")


def analysed(dataset: Dataset, network: Network, data_key: str) -> AnalysedProblem:
    """What is known of a problem, found once for all lives."""
    key = problem_key(data_key, network)
    if key not in _ANALYSED:
        _ANALYSED[key] = analyse_problem(dataset, network, data_key)
    return _ANALYSED[key]


_ANALYSED: Final[dict[str, AnalysedProblem]] = {}

_Found = TypeVar("_Found")


def once(find: Callable[..., _Found]) -> Callable[..., _Found]:
    """What it finds, found once for all lives for each thing that it is first asked of, not for each equal one."""
    known: dict[int, tuple[object, _Found]] = {}

    def found(thing: object, *others: object) -> _Found:
        if id(thing) not in known:
            # The thing is kept, so that no other one gets its identity.
            known[id(thing)] = thing, find(thing, *others)
        return known[id(thing)][1]

    return found


class KnownGrid(Grid):
    """A grid that remembers its runs: half of all lives would go by finding the same few again."""

    @cached_property
    def _found(self) -> dict[int, Run]:
        return {}

    @override
    def run(self, index: int) -> Run:
        if index not in self._found:
            self._found[index] = super().run(index)
        return self._found[index]

    @cached_property
    def _problems(self) -> dict[int, GridProblem]:
        return {}

    @override
    def problem_of(self, index: int) -> GridProblem:
        if index not in self._problems:
            self._problems[index] = super().problem_of(index)
        return self._problems[index]

    @override
    @cached_property
    def runs_per_problem(self) -> int:
        return super().runs_per_problem


class Unread:
    """In place of reading a spec: its bytes, by which its grid is known."""

    model_validate_json = staticmethod(bytes)


def known_grid(spec: bytes) -> Grid:
    """The grid of a spec, as processes of this numerics version know it, read once for all lives."""
    return _known_grid(spec, keys.NUMERICS_VERSION)


class ReadOnce:
    """Analyses that are read once for all lives."""

    from_json = staticmethod(cache(ProblemAnalysis.from_json))


@cache
def _known_grid(spec: bytes, _numerics: str) -> Grid:
    return KnownGrid(ExperimentSpec.model_validate_json(spec))


def pairs(_grid: Grid, block: range, *_: object, missing: Sequence[int] | None = None) -> list[Batch]:
    """Batches of two runs; one run by itself is so little that it is trained where it is planned."""
    indices = list(block if missing is None else missing)
    work = 1.0 if len(indices) > 1 else 0.01
    return [Batch(indices=tuple(indices[start : start + 2]), work=work) for start in range(0, len(indices), 2)]


def packed_once(key: str, summary: Summary, arrays: Mapping[str, Any]) -> StoredRun:
    """A run as it is stored, packed once for all lives."""
    known = key, *summary.items()
    if known not in _PACKED:
        _PACKED[known] = stored_run(key, summary, arrays)
    return _PACKED[known]


_PACKED: Final[dict[tuple[Any, ...], StoredRun]] = {}


class NoThread:
    """In place of threads, which nobody starts here: a life is one."""

    def __init__(self, *_: object, **__: object) -> None:
        pass


class Flag:
    """In place of an event, which only threads wait for."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """It has happened."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether it has."""
        return self._is_set


_NO_THREADS: Final = SimpleNamespace(Thread=NoThread, Event=Flag)
_CANONICAL, _CONTENT_HASH, _GRID = once(ExperimentSpec.canonical), once(ExperimentSpec.content_hash), once(Grid)
_DATASET, _ARRAYS, _JSON = once(dataset_of), once(pack_arrays), once(ProblemAnalysis.to_json)


@contextmanager
def stand_ins(hangs: Callable[[], bool]) -> Iterator[None]:
    """Inside, the worker works with these; `hangs` says of a step of a batch that it never comes to an end."""
    with (
        patch.object(SteadyHeart, "hangs", staticmethod(hangs)),
        patch("worker.batch.RunBatch", Arithmetic),
        patch.multiple("worker.batch", dataset_of=_DATASET, stored_run=packed_once),
        patch.multiple("worker.problems", ExperimentSpec=Unread, Grid=known_grid),
        patch.multiple("worker.planning", ExperimentSpec=Unread, Grid=known_grid),
        patch("worker.planning.planned_batches", pairs),
        patch.multiple("worker.analyses", analyse_problem=analysed, dataset_of=_DATASET, pack_arrays=_ARRAYS),
        patch.object(ProblemAnalysis, "to_json", _JSON),
        patch("worker.heartbeat.threading", _NO_THREADS),
        patch("worker.janitor.threading", _NO_THREADS),
        patch("worker.webhooks.threading", _NO_THREADS),
        patch("jobs.kept_documents.ProblemAnalysis", ReadOnce),
        patch("api.experiments.submission.Grid", _GRID),
        patch.multiple(ExperimentSpec, canonical=_CANONICAL, content_hash=_CONTENT_HASH),
        patch("worker.perform.Heartbeat", SteadyHeart),
        patch("worker.perform.one_thread", nullcontext),
    ):
        yield
