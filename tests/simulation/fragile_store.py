"""The store in memory with the seals of the other one, and bits of what it keeps that flip."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs import seal
from jobs.records import Claim, FinishedRun, Job, StoredRun, Submission
from jobs.seal import BrokenSeal
from tests.reference.memory_store import MemoryStore


class FragileStore(MemoryStore):
    """Specs, checkpoints, documents and the summaries of runs lie behind seals, and what is damaged is absent."""

    def flip(self, random: Random) -> str | None:
        """Flip a bit of one of them; the experiment whose spec it was, if it was a spec."""
        kind = random.choice([self._flip_run, self._flip_document, self._flip_checkpoint, self._flip_spec])
        return kind(random)

    @override
    def submit(self, *, spec: bytes, **others: Any) -> Submission:
        return super().submit(spec=seal.sealed("spec", spec), **others)

    @override
    def spec(self, experiment_id: str) -> bytes:
        return seal.opened("spec", super().spec(experiment_id))

    @override
    def save_checkpoint(self, claim: Claim, checkpoint: bytes) -> None:
        super().save_checkpoint(claim, seal.sealed(claim.job.id, checkpoint))

    @override
    def checkpoint(self, job: Job) -> bytes | None:
        return _opened(job.id, super().checkpoint(job))

    @override
    def put_document(self, key: str, document: bytes, *, seconds: float | None = None) -> None:
        if self.document(key) is None:
            self._documents.pop(key, None)
        super().put_document(key, seal.sealed(key, document), seconds=seconds)

    @override
    def document(self, key: str) -> bytes | None:
        return _opened(key, super().document(key))

    @override
    def commit_runs(self, claim: Claim, runs: Sequence[FinishedRun]) -> int:
        return super().commit_runs(claim, _all_sealed(runs))

    @override
    def complete(self, claim: Claim, runs: Sequence[FinishedRun] = ()) -> None:
        super().complete(claim, _all_sealed(runs))

    @override
    def _run(self, experiment: Any, index: int) -> StoredRun | None:
        run = super()._run(experiment, index)
        opened = None if run is None else _opened_run(run)
        if opened is None:
            self._runs.pop(experiment.keys.get(index, ""), None)
            return super()._run(experiment, index)
        return opened

    def _flip_run(self, random: Random) -> None:
        if self._runs:
            key = random.choice(sorted(self._runs))
            self._runs[key] = replace(self._runs[key], summary=_flipped(self._runs[key].summary, random))

    def _flip_document(self, random: Random) -> None:
        if self._documents:
            key = random.choice(sorted(self._documents))
            document, until = self._documents[key]
            self._documents[key] = _flipped(document, random), until

    def _flip_checkpoint(self, random: Random) -> None:
        kept = [(each.checkpoints, job) for each in self._experiments.values() for job in each.checkpoints]
        if kept:
            checkpoints, job = random.choice(kept)
            checkpoints[job] = _flipped(checkpoints[job], random)

    def _flip_spec(self, random: Random) -> str | None:
        if not self._experiments:
            return None
        experiment = self._experiments[random.choice(sorted(self._experiments))]
        experiment.spec = _flipped(experiment.spec, random)
        return experiment.id


def _all_sealed(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    return [replace(each, run=_sealed(each.run)) for each in runs]


def _sealed(run: StoredRun) -> StoredRun:
    return replace(run, summary=seal.sealed(run.key, run.summary))


@lru_cache(4096)
def _opened_run(run: StoredRun) -> StoredRun | None:
    summary = _opened(run.key, run.summary)
    return None if summary is None else replace(run, summary=summary)


@lru_cache(4096)
def _opened(name: str, stored: bytes | None) -> bytes | None:
    try:
        return None if stored is None else seal.opened(name, stored)
    except BrokenSeal:
        return None


def _flipped(value: bytes, random: Random) -> bytes:
    changed = bytearray(value)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)
