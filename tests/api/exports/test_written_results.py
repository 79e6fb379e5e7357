"""Finished results that a worker writes while the request waits, and that are sent as they are kept."""

import gzip
from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from anyio import CapacityLimiter
from typing_extensions import override  # in the standard library from Python 3.12 on

from api.exports.courtesy import SHARE, Courtesy
from api.exports.written_results import Movements, WrittenResults
from api.http.metrics import Metrics
from api.problems.request_errors import ResultsChanged
from core.exports.format import TEXT, Format
from core.identity import NUMERICS_VERSION
from jobs.connection import connect
from jobs.document_keys import figure_error_key
from jobs.errors import StoreFull
from jobs.kept_results import KeptResults, ResultsFile
from jobs.ports import Store
from jobs.records import LiveWorker, Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS, Service, assert_problem, service, spec
from tests.api.working_service import WorkingService
from tests.reference.memory_store import MemoryDoorbell, MemoryStore
from worker.context import WorkerContext
from worker.perform import work_off

SEEDS = {"start": 0, "stop": 599, "num": 600}
MANY = {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2, "seed": SEEDS}


class WorkingBell(MemoryDoorbell):
    """A worker for what is asked interactively: it works as it is rung for, if it is awake."""

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__()
        self.store, self.settings = store, settings
        self.is_awake, self.rings = False, 0
        store.register(LiveWorker(name="worker", numerics=NUMERICS_VERSION, idle=1), queues=Queue, seconds=60.0)

    @override
    def ring(self, queue: Queue, times: int = 1) -> None:
        if self.is_awake and queue is Queue.INTERACTIVE:
            self.rings += 1
            work_off(queue, WorkerContext(store=self.store, settings=self.settings, name="worker"))


@pytest.fixture
def many() -> Iterator[tuple[Service, str, WorkingBell]]:
    """A service with a worker, and an experiment of so many runs that its results are kept."""
    settings = Settings(max_runs=100_000)
    store = MemoryStore(settings)
    bell = WorkingBell(store, settings)
    one = service(store=store, bell=bell, patience=60.0)
    with one.client:
        identifier = one.submit(data=MANY)
        one.train(identifier, [{"outcome": "converged", "steps": number} for number in range(1200)])
        bell.is_awake = True
        yield one, identifier, bell


def _refuse(*_: Any, **__: Any) -> None:
    raise AssertionError


def _url(identifier: str, form: str) -> str:
    return f"{EXPERIMENTS}/{identifier}/results.{form}"


def _raw(api: Service, url: str, accepted: str) -> tuple[dict[str, str], bytes]:
    with api.client.stream("GET", url, headers={"Accept-Encoding": accepted}) as response:
        assert response.status_code == 200
        return dict(response.headers), b"".join(response.iter_raw())


@pytest.mark.parametrize("form", Format)
def test_a_worker_writes_once_what_everybody_is_sent(many: Any, form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very bytes, tags and types that this process would send; it makes none, and does not read the runs again."""
    api, identifier, bell = many
    url = _url(identifier, form)
    with monkeypatch.context() as few:
        few.setattr("api.exports.results.KEPT_FROM", 10_000)
        expected = {accepted: _raw(api, url, accepted) for accepted in ("gzip", "identity")}
    monkeypatch.setattr("api.exports.results.file_pieces", _refuse)
    for number in range(2):
        for accepted, (headers, content) in expected.items():
            found, body = _raw(api, url, accepted)
            assert body == content
            same = "etag", "content-type", "vary", "cache-control", "content-disposition", "content-encoding"
            assert [found.get(name) for name in same] == [headers.get(name) for name in same]
            assert int(found["content-length"]) == len(body)
        assert bell.rings == 1, number
        monkeypatch.setattr(api.store, "summaries", _refuse)
    assert ("content-encoding" in expected["gzip"][0]) == (form in TEXT)


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("form", [Format.CSV, Format.PARQUET])
def test_head_reads_no_more_than_the_first_piece(
    many: Any, form: Format, accepted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the headers of GET, whose other pieces nobody reads for it."""
    api, identifier, _ = many
    url, headers = _url(identifier, form), {"Accept-Encoding": accepted}
    monkeypatch.setattr("jobs.kept_results.PIECE_BYTES", 1000)
    expected, _ = _raw(api, url, accepted)
    read: list[int] = []
    piece = ResultsFile.piece

    def counted(self: ResultsFile, kept: KeptResults, number: int) -> bytes | None:
        read.append(number)
        return piece(self, kept, number)

    monkeypatch.setattr(ResultsFile, "piece", counted)
    head = api.client.head(url, headers=headers)
    assert head.status_code == 200
    assert dict(head.headers) | {"x-request-id": ""} == expected | {"x-request-id": ""}
    assert read == [0]
    assert len(api.get(url).content) > 10_000


@pytest.mark.parametrize("form", Format)
def test_what_no_worker_takes_in_time_is_written_here(many: Any, form: Format) -> None:
    """As if there were none; the worker that has too much to do finds the wish later."""
    api, identifier, bell = many
    bell.is_awake = False
    api.client.app.state.drawing_timeout = 0.05
    response = api.get(_url(identifier, form))
    assert response.status_code == 200
    assert bell.store.work_waiting(Queue.INTERACTIVE, most=9) == 1
    bell.is_awake = True
    bell.ring(Queue.INTERACTIVE)
    assert api.get(_url(identifier, form)).content == response.content


@pytest.mark.parametrize("form", Format)
def test_where_no_worker_lives_none_is_waited_for(many: Any, form: Format) -> None:
    """Who keeps results to be read needs no worker."""
    api, identifier, bell = many
    bell.store._served_until.clear()
    api.client.app.state.drawing_timeout = 1e9
    assert api.get(_url(identifier, form)).status_code == 200
    assert bell.store.work_waiting(Queue.INTERACTIVE, most=9) == 0


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON])
def test_what_a_worker_cannot_write_is_written_here(many: Any, form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once: it says so. Where the store is full, nothing is kept here either."""
    api, identifier, bell = many
    with monkeypatch.context() as few:
        few.setattr("api.exports.results.KEPT_FROM", 10_000)
        expected = api.get(_url(identifier, form)).content

    def full(*_: Any) -> None:
        raise StoreFull("full")

    monkeypatch.setattr(bell.store, "keep_document", full)
    assert api.get(_url(identifier, form)).content == expected
    file = ResultsFile.of(bell.store.experiment(identifier), form, bell.store)
    assert bell.store.document(figure_error_key(file.key)) is not None


@pytest.mark.parametrize("form", [Format.CSV, Format.PARQUET])
def test_a_piece_that_is_lost_is_found_and_the_file_made_anew(many: Any, form: Format) -> None:
    """The reader who finds out is told to ask again."""
    api, identifier, bell = many
    expected = api.get(_url(identifier, form)).content
    for key in [key for key in bell.store._documents if key.startswith("results-piece")]:
        del bell.store._documents[key]
    bell.store._asked.clear()
    assert_problem(api.get(_url(identifier, form)), 503)
    assert api.get(_url(identifier, form)).content == expected
    assert bell.rings == 2


def test_rows_after_a_run_are_those_behind_it(many: Any) -> None:
    """Of finished results as of others; they are made here."""
    api, identifier, _ = many
    for form in ("csv", "ndjson"):
        lines = api.get(_url(identifier, form)).text.splitlines(keepends=True)
        assert api.get(f"{_url(identifier, form)}?after=1196").text == "".join(lines[-3:])


def test_on_the_real_server_as_in_memory(empty_valkey_url: str) -> None:
    """A worker that trains, and writes every format, and an API that reads it, over a server."""
    settings, forms = Settings(max_runs=100_000), list(Format)
    with connect(empty_valkey_url, patience=10.0) as client:
        store = RedisStore(client, settings)
        bell = WorkingBell(store, settings)
        one = WorkingService(service_client(store, bell, settings), store, settings)
        with one.client, pytest.MonkeyPatch.context() as patched:
            place = one.done(spec())
            made = [one.get(f"{place}/results.{form}").content for form in forms]
            patched.setattr("api.exports.results.KEPT_FROM", 1)
            patched.setattr("api.exports.results.file_pieces", _refuse)
            bell.is_awake = True
            for _ in range(2):
                assert [one.get(f"{place}/results.{form}").content for form in forms] == made
            assert bell.rings == len(forms)


def service_client(store: Store, bell: WorkingBell, settings: Settings) -> Any:
    """A client of the application over a real store."""
    return service(store=cast("MemoryStore", store), bell=bell, patience=60.0, max_runs=settings.max_runs).client


def _reader(store: MemoryStore, form: Format) -> WrittenResults:
    """Somebody who reads a file of an experiment, without an application."""
    state = SimpleNamespace(metrics=SimpleNamespace(answered=0), exporters=CapacityLimiter(2), movements=Movements())
    request = cast("Any", SimpleNamespace(app=SimpleNamespace(state=state)))
    made = store.submit(spec=b"a spec", content_hash="0" * 64, name="", tags=(), runs=4)
    file = ResultsFile(experiment_id=made.experiment.id, state="state", form=form, store=store)
    return WrittenResults(file=file, bell=MemoryDoorbell(), request=request, patience=60.0)


def _clock() -> float:
    """By which every piece of a file takes as long as somebody waits for one."""
    _clock.now += 10.0  # type: ignore[attr-defined]
    return float(_clock.now)  # type: ignore[attr-defined]


_clock.now = 0.0  # type: ignore[attr-defined]


def test_a_reader_has_each_piece_as_soon_as_it_is_kept() -> None:
    """Plain or packed; the writer goes on only when the reader has read."""

    async def read() -> None:
        reader = _reader(MemoryStore(Settings()), Format.CSV)
        lines = [Random(number).randbytes(100_000) for number in range(5)]
        writing = reader.file.write(lines, clock=_clock)
        next(writing)
        begun = await reader.begun()
        assert begun is not None
        assert not begun.is_whole
        plain, packed = reader.plain(begun), reader.packed(begun)
        seen, sent = b"", b""
        for line in lines[1:]:
            sent += await anext(packed)
            seen += await anext(plain)
            assert (b"".join(lines)).startswith(seen)
            assert 0 < len(seen) <= len(b"".join(lines[: lines.index(line)]))
            next(writing)
        assert next(writing, "end") == "end"
        seen += b"".join([piece async for piece in plain])
        sent += b"".join([piece async for piece in packed])
        assert seen == b"".join(lines) == gzip.decompress(sent)

    anyio.run(read)


def test_no_reader_gets_pieces_of_two_writings() -> None:
    """Who has begun to read one that another takes over is cut off."""

    async def read() -> list[bytes]:
        reader = _reader(MemoryStore(Settings()), Format.NPZ)
        first = reader.file.write([b"a", b"b"], clock=_clock)
        next(first)
        begun = await reader.begun()
        assert begun is not None
        pieces = reader.packed(begun)
        seen = [await anext(pieces)]
        for _ in reader.file.write([b"1", b"2"], clock=_clock):
            pass
        with pytest.raises(ResultsChanged):
            seen.append(await anext(pieces))
        again = await reader.begun()
        assert again is not None
        assert [piece async for piece in reader.packed(again)] == [b"1", b"2"]
        return seen

    assert anyio.run(read) == [b"a"]


def test_a_writer_that_has_died_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """By who has read a part of it, and is cut off; and by who has not, and is sent what is made here."""
    monkeypatch.setattr("api.exports.written_results.STALL_SECONDS", 0.3)

    async def read() -> None:
        reader = _reader(MemoryStore(Settings()), Format.NPZ)
        dead = reader.file.write([b"a", b"b"], clock=_clock)
        next(dead)
        begun = await reader.begun()
        assert begun is not None
        with pytest.raises(ResultsChanged):
            _ = [piece async for piece in reader.packed(begun)]
        assert reader.file.found() is None
        silent = _reader(MemoryStore(Settings()), Format.CSV)
        silent = WrittenResults(file=silent.file, bell=silent.bell, request=silent.request, patience=0.1)
        worker = LiveWorker(name="worker", numerics=NUMERICS_VERSION, idle=1)
        silent.file.store.register(worker, queues=Queue, seconds=60.0)
        dies = silent.file.write([b"a"], clock=lambda: 0.0)
        next(dies)
        begun = silent.file.found()
        assert begun == KeptResults(writing=getattr(begun, "writing", ""))
        assert await silent.begun() is None
        assert silent.file.found() is None

    anyio.run(read)


def test_readers_who_leave_early_give_up_together_what_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them waits long enough to tell; what moves is not given up."""
    monkeypatch.setattr("api.exports.written_results.STALL_SECONDS", 0.6)

    async def read() -> None:
        reader = _reader(MemoryStore(Settings()), Format.NPZ)
        writing = reader.file.write([b"a", b"b", b"c", b"d"], clock=_clock)
        for _ in range(3):
            next(writing)
            begun = await reader.begun()
            assert begun is not None
            with anyio.move_on_after(0.35):
                _ = [piece async for piece in reader.packed(begun)]
        assert reader.file.found() is not None
        await anyio.sleep(0.35)
        assert await reader.begun() is None
        assert reader.file.found() is None

    anyio.run(read)


def test_pieces_that_others_wait_for_take_a_share_of_the_time() -> None:
    """And all of it where nobody else is answered."""
    metrics = Metrics(MemoryStore(Settings()), MemoryDoorbell())
    courtesy = Courtesy(metrics)
    assert courtesy.timed(lambda: sum(range(300_000))) > 0
    assert courtesy.pause() == 0.0
    for count in (10_000, 1_000_000):
        courtesy.timed(lambda: sum(range(count)))  # noqa: B023 - called at once
        metrics.count(method="GET", route="/v1/experiments/{experiment_id}", status=200, seconds=0.001)
        taken = courtesy._taken
        assert taken > 0.0
        assert courtesy.pause() == pytest.approx(taken * (1 - SHARE) / SHARE)
        assert courtesy.pause() == 0.0
