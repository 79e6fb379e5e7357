"""The results of a finished experiment as JSON, made once, compressed, and kept with the experiment.

What is kept is a gzip stream in pieces, each a document of its own, and a document that says which pieces. That one is
written last, so whoever finds it finds all of it.
"""

import json
import secrets
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

from api.http.representations import GZIP, gzip_packer
from api.problems.request_errors import ResultsChanged
from jobs.document_keys import results_key, results_piece_key
from jobs.errors import ExperimentNotFound, StoreFull
from jobs.ports import Store

PIECE_BYTES: Final = 4_000_000
"""Most bytes of one stored value: the server answers nobody else while it sends one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptResults:
    """Where the pieces are, and how many bytes they have as they are kept and unpacked."""

    writing: str
    pieces: int
    packed_bytes: int
    plain_bytes: int


def kept_results(experiment_id: str, state: str, *, store: Store) -> KeptResults | None:
    """The results that are kept of this state of the experiment, None before they are."""
    document = store.document(results_key(experiment_id, state))
    return KeptResults(**json.loads(document)) if document else None


def keep_results(experiment_id: str, state: str, plain: Iterable[bytes], *, store: Store) -> KeptResults | None:
    """Keep the results; None where there is no room, or the experiment has been deleted meanwhile."""
    writing = secrets.token_hex(8)
    pieces = packed = 0
    counted = _Counted(plain)
    try:
        for pieces, piece in enumerate(_cut(_compressed(counted)), 1):
            store.keep_document(experiment_id, results_piece_key(experiment_id, writing, pieces - 1), piece)
            packed += len(piece)
        kept = KeptResults(writing=writing, pieces=pieces, packed_bytes=packed, plain_bytes=counted.total)
        store.keep_document(experiment_id, results_key(experiment_id, state), json.dumps(asdict(kept)).encode())
    except (StoreFull, ExperimentNotFound):
        return None
    return kept


def packed_pieces(experiment_id: str, state: str, kept: KeptResults, *, store: Store) -> Iterator[bytes]:
    """The results as gzip.

    Raises:
        ResultsChanged: a piece is gone, or damaged; the next reader makes them anew.
    """
    for number in range(kept.pieces):
        piece = store.document(results_piece_key(experiment_id, kept.writing, number))
        if piece is None:
            store.keep_document(experiment_id, results_key(experiment_id, state), b"")
            raise ResultsChanged("The kept results are damaged: ask again.", headers={"Retry-After": "1"})
        yield piece


def plain_pieces(packed: Iterable[bytes]) -> Iterator[bytes]:
    """The results as they were before they were compressed, in small pieces."""
    unpacker = zlib.decompressobj(GZIP)
    for piece in packed:
        rest = piece
        while rest:
            yield unpacker.decompress(rest, PIECE_BYTES // 16)
            rest = unpacker.unconsumed_tail
    yield unpacker.flush()


class _Counted:
    """Pieces, and how many bytes they had when they have been taken."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.total = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.total += len(piece)
            yield piece


def _compressed(plain: Iterable[bytes]) -> Iterator[bytes]:
    packer = gzip_packer()
    yield from (packer.compress(piece) for piece in plain)
    yield packer.flush()


def _cut(stream: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in stream:
        held += piece
        while len(held) >= PIECE_BYTES:
            yield bytes(held[:PIECE_BYTES])
            del held[:PIECE_BYTES]
    if held:
        yield bytes(held)
