"""Files of results that are kept with their experiment while they are written, in either store."""

import gzip
import json
from typing import Any, cast

import pytest

from core.exports.format import Format
from jobs.document_keys import results_key, results_piece_key
from jobs.errors import ExperimentNotFound, StoreFull
from jobs.kept_results import PIECE_BYTES, PIECE_SECONDS, KeptResults, Overtaken, ResultsFile
from jobs.ports import Store
from tests.jobs.laboratory import Laboratory
from tests.reference.memory_store import MemoryStore

LINES = [f"{number},{number**7 % 1009}\n".encode() * 2000 for number in range(40)]


class Hours:
    """A clock by which every piece of a file takes as long as somebody waits for one."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        self.now += PIECE_SECONDS
        return self.now


def _file(store: Store, form: Format = Format.CSV, text: str = "a spec") -> ResultsFile:
    return ResultsFile(experiment_id=_experiment(store, text), state="state", form=form, store=store)


def _experiment(store: Store, text: str) -> str:
    return Laboratory(store=store, wait=print, store_of=lambda _: store).submit(text).id


def _kept(file: ResultsFile) -> tuple[KeptResults, bytes]:
    """How far the file is, and what there is of it."""
    kept = file.found()
    assert kept is not None
    pieces = [file.piece(kept, number) for number in range(kept.pieces)]
    return kept, b"".join(piece or b"missing" for piece in pieces)


def _write(file: ResultsFile, pieces: list[bytes]) -> None:
    for _ in file.write(pieces, clock=Hours()):
        pass


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON, Format.NPZ, Format.PARQUET])
def test_what_is_kept_is_what_was_written(laboratory: Laboratory, form: Format) -> None:
    """Text as gzip, the rest as it is; and how many bytes it has."""
    file = _file(laboratory.store, form)
    assert file.found() is None
    _write(file, LINES)
    kept, content = _kept(file)
    plain = b"".join(LINES)
    is_text = form in {Format.CSV, Format.JSON}
    assert (gzip.decompress(content) if is_text else content) == plain
    assert (kept.is_whole, kept.packed_bytes, kept.plain_bytes) == (True, len(content), len(plain))
    assert kept.pieces > 1


def test_no_piece_is_so_large_that_others_wait_for_it(laboratory: Laboratory) -> None:
    """Whatever is written at once."""
    file = _file(laboratory.store, Format.NPZ)
    _write(file, [bytes(range(256)) * 10_000, b"the end"])
    kept, content = _kept(file)
    assert content == bytes(range(256)) * 10_000 + b"the end"
    assert max(len(file.piece(kept, number) or b"") for number in range(kept.pieces)) == PIECE_BYTES


def test_what_is_written_so_far_can_be_read(laboratory: Laboratory) -> None:
    """And stays as it is while more is written."""
    file = _file(laboratory.store, Format.NPZ)
    writing = file.write(LINES, clock=Hours())
    for count in range(1, len(LINES) + 1):
        next(writing)
        kept, content = _kept(file)
        assert (content, kept.is_whole, kept.plain_bytes) == (b"".join(LINES[:count]), False, len(content))
    assert next(writing, "end") == "end"
    assert _kept(file)[0].is_whole


def test_who_waits_sees_that_something_is_done_before_there_is_anything_to_read(laboratory: Laboratory) -> None:
    """All runs are read before the first byte of some formats."""
    file = _file(laboratory.store, Format.NPZ)
    writing = file.write([b"", b"", b"all"], clock=Hours())
    beats = []
    for _ in range(2):
        next(writing)
        found = file.found()
        assert found is not None
        assert found.pieces == 0
        beats.append(found.beat)
    assert beats[0] < beats[1]


def test_of_two_who_write_the_later_one_goes_on(laboratory: Laboratory) -> None:
    """The first is told, and leaves nothing; what is kept is of one of them alone."""
    file = _file(laboratory.store, Format.NPZ)
    first = file.write([b"a", b"b", b"c"], clock=Hours())
    next(first)
    of_first = file.found()
    second = file.write([b"1", b"2"], clock=Hours())
    next(second)
    with pytest.raises(Overtaken):
        next(first)
    assert of_first is not None
    assert file.piece(of_first, 0) is None
    for _ in second:
        pass
    kept, content = _kept(file)
    assert (content, kept.is_whole) == (b"12", True)


def test_who_leaves_in_the_middle_leaves_nothing(laboratory: Laboratory) -> None:
    """Whoever asks next finds that nobody writes."""
    file = _file(laboratory.store, Format.NPZ)
    writing = file.write([b"a", b"b", b"c"], clock=Hours())
    next(writing)
    begun = file.found()
    assert begun is not None
    writing.close()  # type: ignore[attr-defined]  # it is a generator
    assert file.found() is None
    assert file.piece(begun, 0) is None


def test_a_file_that_is_given_up_is_written_anew(laboratory: Laboratory) -> None:
    """By another; who wrote it before, and was only slow, does not go on, and what it left is emptied."""
    file = _file(laboratory.store, Format.NPZ)
    slow = file.write([b"a", b"b"], clock=Hours())
    next(slow)
    left = file.found()
    assert left is not None
    file.lose(left)
    assert file.found() is None
    assert file.piece(left, 0) == b"a"
    _write(file, [b"a", b"b"])
    assert file.piece(left, 0) is None
    with pytest.raises(Overtaken):
        next(slow)
    assert _kept(file)[1] == b"ab"


def test_a_file_that_is_given_up_leaves_no_piece_of_it(laboratory: Laboratory) -> None:
    """Also where it has grown since its reader saw it last, and its writer has died before it spoke of a piece."""
    file = _file(laboratory.store, Format.NPZ)
    writing = file.write([b"a", b"b", b"c"], clock=Hours())
    next(writing)
    seen = file.found()
    next(writing)
    assert seen is not None
    unspoken = results_piece_key(file.experiment_id, seen.writing, 2)
    laboratory.store.keep_document(file.experiment_id, unspoken, b"c")
    file.lose(seen)
    _write(file, [b"1"])
    assert [file.piece(seen, number) for number in range(3)] == [None, None, None]
    assert _kept(file)[1] == b"1"


def test_a_file_for_which_room_ends_within_a_piece_leaves_nothing(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept of it before is emptied with the rest."""
    file, kept = _file(laboratory.store, Format.NPZ), list[str]()
    keep = laboratory.store.keep_document

    def refuse_the_second(experiment_id: str, key: str, document: bytes) -> None:
        if b"x" in document:
            kept.append(key)
            if len(kept) > 1:
                raise StoreFull("full")
        keep(experiment_id, key, document)

    monkeypatch.setattr(laboratory.store, "keep_document", refuse_the_second)
    with pytest.raises(StoreFull):
        _write(file, [b"x" * (2 * PIECE_BYTES)])
    assert laboratory.store.document(kept[0]) == b""


def test_nobody_gives_up_what_somebody_else_writes(laboratory: Laboratory) -> None:
    """Who has waited for one that died finds another one at work."""
    file = _file(laboratory.store, Format.NPZ)
    file.lose(KeptResults(writing="nobody"))
    _write(file, [b"a"])
    file.lose(KeptResults(writing="nobody"))
    assert _kept(file)[1] == b"a"


def test_a_file_that_finds_no_room_leaves_nothing(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room that there is belongs to results themselves."""
    file = _file(laboratory.store, Format.NPZ)
    writing = file.write([b"a", b"b"], clock=Hours())
    next(writing)
    begun = file.found()
    assert begun is not None
    monkeypatch.setattr(laboratory.store, "room", lambda *, reserve: "full" if reserve else None)
    with pytest.raises(StoreFull):
        next(writing)
    assert file.found() is None
    assert file.piece(begun, 0) is None


def test_a_file_goes_with_its_experiment(laboratory: Laboratory) -> None:
    """All pieces of it; one that is being written is not written on."""
    store = laboratory.store
    file, other = _file(store), _file(store, Format.NPZ)
    _write(file, LINES)
    writing = other.write([b"a", b"b"], clock=Hours())
    next(writing)
    kept, begun = file.found(), other.found()
    assert kept is not None
    assert begun is not None
    store.cancel(file.experiment_id)
    store.delete(file.experiment_id)
    with pytest.raises((ExperimentNotFound, Overtaken)):
        next(writing)
    while store.clear_garbage(most=100):
        pass
    assert file.found() is other.found() is None
    assert {file.piece(kept, number) for number in range(kept.pieces)} == {None}
    assert other.piece(begun, 0) is None


def test_a_damaged_piece_is_none(laboratory: Laboratory) -> None:
    """It is not sent as if it were the file; the next file is another one."""
    file = _file(laboratory.store, Format.NPZ)
    _write(file, [b"a"])
    kept = file.found()
    assert kept is not None
    _damage(laboratory.store, f"results-piece:{file.experiment_id}:{kept.writing}:0")
    assert file.piece(kept, 0) is None
    file.lose(kept)
    _write(file, [b"b"])
    assert _kept(file)[1] == b"b"


def _damage(store: Store, document: str) -> None:
    if isinstance(store, MemoryStore):
        del store._documents[document]
    else:
        cast("Any", store)._client.setrange(f"stepbias:document:{document}", 3, b"\xff\xfe")


def test_the_document_is_json_under_a_name_of_its_format(laboratory: Laboratory) -> None:
    """One for each format and state."""
    file = _file(laboratory.store, Format.CSV)
    _write(file, LINES)
    document = laboratory.store.document(results_key(file.experiment_id, "state:csv"))
    assert json.loads(document or b"null")["is_whole"]
    assert _file(laboratory.store, Format.JSON).found() is None
