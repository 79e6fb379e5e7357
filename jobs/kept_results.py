"""The results of a finished experiment as a file: written once, packed, kept with the experiment, and never changed.

What is kept are pieces, each a document of its own, and a document that says which pieces there are so far. A piece is
there before it is spoken of, so whoever reads the one finds the other, while the file is still being written.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import count
from typing import Final

from core.exports.format import TEXT, Format
from core.exports.packing import gzip_packer
from core.identity import content_hash
from jobs.document_keys import results_key, results_piece_key
from jobs.errors import ExperimentNotFound, JobsError, StoreFull
from jobs.heading import heading
from jobs.ports import Store
from jobs.records import Experiment

PIECE_BYTES: Final = 1_000_000
"""Most bytes of one stored value: the server answers nobody else while it takes or sends one."""

PIECE_SECONDS: Final = 1.0
"""What is written in so long is kept, however little: somebody waits for it."""

RESERVE: Final = 0.1
"""Of the room of the store, so much is left to results themselves."""

_VERSION: Final = version("stepbias")


class Overtaken(JobsError):
    """The file is being written by somebody else."""

    def __init__(self) -> None:
        super().__init__("the results are written by somebody else")


def results_state(experiment: Experiment) -> str:
    """What tells apart the results of an experiment at one moment, as this version writes them."""
    about = heading(experiment).attributes | {
        "numerics": experiment.numerics,
        "finished_at": experiment.finished_at,
        "version": _VERSION,
    }
    return content_hash(about)[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptResults:
    """How far a file is written.

    `writing` tells apart those who wrote it, `beat` grows while one does. `packed_bytes` and `plain_bytes` are those of
    the pieces, as they are kept and as they were before. One that is lost was left by who wrote it, or is damaged.
    """

    writing: str
    pieces: int = 0
    packed_bytes: int = 0
    plain_bytes: int = 0
    beat: int = 0
    is_whole: bool = False
    is_lost: bool = False


@dataclass(frozen=True, kw_only=True)
class ResultsFile:
    """Where the results of an experiment in one state are kept in one format."""

    experiment_id: str
    state: str
    form: Format
    store: Store

    @classmethod
    def of(cls, experiment: Experiment, form: Format, store: Store) -> "ResultsFile":
        """The file of the experiment as it stands."""
        return cls(experiment_id=experiment.id, state=results_state(experiment), form=form, store=store)

    @property
    def key(self) -> str:
        """Where it is kept which pieces there are."""
        return results_key(self.experiment_id, f"{self.state}:{self.form}")

    @property
    def is_packed(self) -> bool:
        """Whether the pieces are gzip; formats that are compressed in themselves are kept as they are."""
        return self.form in TEXT

    def found(self) -> KeptResults | None:
        """How far it is written; None before somebody begins, and where it is lost."""
        last = self._last()
        return None if last is None or last.is_lost else last

    def piece(self, kept: KeptResults, number: int) -> bytes | None:
        """One of its pieces; None where it is gone, or damaged."""
        return self.store.document(self._piece_key(kept, number)) or None

    def lose(self, kept: KeptResults) -> None:
        """Have nobody read what this writing has left, nor go on with it: whoever is asked next begins anew."""
        with suppress(ExperimentNotFound, StoreFull):
            if (found := self._found_of(kept)) is not None:
                self._note(replace(found, is_lost=True))

    def write(self, plain: Iterable[bytes], *, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
        """Write the file; the caller may do something else after each piece of `plain`.

        Who ends before the file does leaves nothing of it.

        Raises:
            Overtaken: somebody else writes it, or a reader has given this writing up.
            StoreFull: there is not room enough for it.
            ExperimentNotFound: the experiment has been deleted.
        """
        last = self._last()
        if last is not None and last.is_lost:
            self._empty(last)
        writing = _Writing(self, clock)
        self._note(writing.kept)
        try:
            for piece in plain:
                writing.add(piece)
                yield
            writing.end()
        finally:
            if not writing.kept.is_whole:
                self.lose(writing.kept)
                self._empty(writing.kept)

    def keep(self, kept: KeptResults, pieces: Iterable[bytes]) -> KeptResults:
        """Keep these pieces as the next ones, then say so."""
        if self._found_of(kept) is None:
            raise Overtaken
        if (full := self.store.room(reserve=RESERVE)) is not None:
            raise StoreFull(full)
        for piece in pieces:
            self.store.keep_document(self.experiment_id, self._piece_key(kept, kept.pieces), piece)
            kept = replace(kept, pieces=kept.pieces + 1, packed_bytes=kept.packed_bytes + len(piece))
        kept = replace(kept, beat=kept.beat + 1)
        self._note(kept)
        return kept

    def _empty(self, lost: KeptResults) -> None:
        """Empty its pieces, those among them that are there and were not spoken of."""
        with suppress(ExperimentNotFound, StoreFull):
            for number in count():
                if number >= lost.pieces and self.piece(lost, number) is None:
                    break
                self.store.keep_document(self.experiment_id, self._piece_key(lost, number), b"")

    def _found_of(self, kept: KeptResults) -> KeptResults | None:
        """How far the same writing is; None where it is lost, or another one is in its place."""
        found = self.found()
        return found if found is not None and found.writing == kept.writing else None

    def _last(self) -> KeptResults | None:
        document = self.store.document(self.key)
        return KeptResults(**json.loads(document)) if document else None

    def _note(self, kept: KeptResults) -> None:
        self.store.keep_document(self.experiment_id, self.key, json.dumps(asdict(kept)).encode())

    def _piece_key(self, kept: KeptResults, number: int) -> str:
        return results_piece_key(self.experiment_id, kept.writing, number)


class _Writing:
    """A file that is being written: what of it is not kept yet, and what is."""

    def __init__(self, file: ResultsFile, clock: Callable[[], float]) -> None:
        self.kept = KeptResults(writing=secrets.token_hex(8))
        self._file, self._clock = file, clock
        self._packer = gzip_packer() if file.is_packed else None
        self._held, self._plain_bytes = bytearray(), 0
        self._due = clock() + PIECE_SECONDS

    def add(self, piece: bytes) -> None:
        """Write on; keep what is written, if it is much or somebody has waited for it."""
        self._plain_bytes += len(piece)
        self._held += piece if self._packer is None else self._packer.compress(piece)
        if len(self._held) >= PIECE_BYTES or self._clock() >= self._due:
            self._keep(self.kept)

    def end(self) -> None:
        """Keep the rest, and say that it is all."""
        if self._packer is not None:
            self._held += self._packer.flush()
        self._keep(replace(self.kept, is_whole=True))

    def _keep(self, kept: KeptResults) -> None:
        starts = range(0, len(self._held), PIECE_BYTES)
        pieces = [bytes(self._held[start : start + PIECE_BYTES]) for start in starts]
        self.kept = self._file.keep(replace(kept, plain_bytes=self._plain_bytes), pieces)
        self._held.clear()
        self._due = self._clock() + PIECE_SECONDS
