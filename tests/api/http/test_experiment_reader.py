"""Polls that come together are answered together."""

import threading
from collections.abc import Mapping, Sequence

import anyio
import anyio.lowlevel
import pytest
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.http.experiment_reader import ExperimentReader
from jobs.errors import ExperimentNotFound, StoreUnavailable
from jobs.records import Experiment
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS, assert_problem, service
from tests.reference.memory_store import MemoryStore


class _SlowStore(MemoryStore):
    """Counts its calls, of which the first ends when it is told to."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.calls: list[list[str]] = []
        self.may_end = threading.Event()
        self.error: Exception | None = None

    @override
    def in_full(self, experiment_ids: Sequence[str]) -> Mapping[str, tuple[Experiment, str]]:
        self.calls.append(list(experiment_ids))
        self.may_end.wait(20)
        if self.error is not None:
            raise self.error
        return super().in_full(experiment_ids)


def submitted(store: MemoryStore, name: str) -> str:
    """The id of a new experiment."""
    return store.submit(spec=b"{}", content_hash=name, name=name, tags=[], runs=1).experiment.id


def test_those_who_ask_together_are_answered_by_one_call() -> None:
    """And who asks while it is under way by the next, which sees what has happened since."""
    store = _SlowStore()
    one, other = submitted(store, "one"), submitted(store, "other")
    reader = ExperimentReader(store)
    found: list[Experiment] = []

    async def ask(experiment_id: str) -> None:
        found.append(await reader.experiment(experiment_id))

    async def everybody() -> None:
        async with anyio.create_task_group() as group:
            for number in range(100):
                group.start_soon(ask, (one, other)[number % 2])
            while not store.calls:  # noqa: ASYNC110 - a thread appends to it
                await anyio.sleep(0.001)
            store.cancel(one)
            group.start_soon(ask, one)
            await anyio.lowlevel.checkpoint()
            store.may_end.set()

    anyio.run(everybody)
    assert [sorted(call) for call in store.calls] == [sorted([one, other]), [one]]
    assert len(found) == 101
    assert found[-1].status == "cancelled"


def test_each_gets_the_error_that_is_its_own() -> None:
    """One that is not there is no error of the others; a store that is away is one of all."""
    store = _SlowStore()
    store.may_end.set()
    one = submitted(store, "one")
    reader = ExperimentReader(store)

    async def ask(experiment_id: str, errors: list[str]) -> None:
        try:
            await reader.experiment(experiment_id)
        except (ExperimentNotFound, StoreUnavailable) as error:
            errors.append(f"{experiment_id} {type(error).__name__}")

    async def both() -> list[str]:
        errors: list[str] = []
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "none", errors)
            group.start_soon(ask, one, errors)
        return sorted(errors)

    assert anyio.run(both) == ["none ExperimentNotFound"]
    store.error = StoreUnavailable("away")
    assert anyio.run(both) == sorted([f"{one} StoreUnavailable", "none StoreUnavailable"])


def test_without_a_thread_everybody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever, and the next is answered when threads are to be had again."""
    store = _SlowStore()
    store.may_end.set()
    one = submitted(store, "one")
    reader = ExperimentReader(store)

    async def tired_and_rested() -> Experiment:
        with monkeypatch.context() as tired, anyio.fail_after(5):
            tired.setattr("threading.Thread.start", _no_thread)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                await reader.experiment(one)
        with anyio.fail_after(5):
            return await reader.experiment(one)

    assert anyio.run(tired_and_rested).id == one


def _no_thread(_: object) -> None:
    raise RuntimeError("can't start new thread")


def test_who_leaves_takes_nobody_along() -> None:
    """A client that hangs up while another waits for the same."""
    store = _SlowStore()
    one = submitted(store, "one")
    reader = ExperimentReader(store)

    async def leave_and_stay() -> Experiment:
        with anyio.move_on_after(0.05):
            await reader.experiment(one)
        with pytest.raises(TimeoutError), anyio.fail_after(0.05):
            await reader.experiment(one)
        store.may_end.set()
        return await reader.experiment(one)

    assert anyio.run(leave_and_stay).id == one


def test_a_poll_is_answered_as_the_route_answers() -> None:
    """To the byte and the header, under a prefix too; what waits, is not there or is asked otherwise is the route's."""
    one = service(root_path="/stepbias")
    with one.client:
        done = one.submit(name="done")
        one.store.cancel(done)
        waiting = one.submit(name="waiting")
        failed = one.submit(name="failed")
        one.fail(failed)
        for name in (done, waiting, failed, "none", "a:b"):
            for prefix in ("", "/stepbias"):
                plain, routed = (one.get(f"{prefix}{EXPERIMENTS}/{name}{query}") for query in ("", "?wait=0"))
                assert plain.status_code == routed.status_code
                unlike = {"x-request-id", "content-digest", "content-length"} if plain.is_error else {"x-request-id"}
                assert {each: plain.headers[each] for each in plain.headers if each not in unlike} == {
                    each: routed.headers[each] for each in routed.headers if each not in unlike
                }
                documents = [response.json() | {"request_id": None} for response in (plain, routed)]
                assert documents[0] == documents[1]
        assert (
            one.client.head(f"{EXPERIMENTS}/{done}").headers["etag"] == one.get(f"{EXPERIMENTS}/{done}").headers["etag"]
        )
        assert one.client.delete(f"{EXPERIMENTS}/{done}").status_code == 204
        assert_problem(one.get(f"{EXPERIMENTS}/{done}"), 404)
