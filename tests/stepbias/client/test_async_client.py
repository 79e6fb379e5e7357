"""The client for programs that do many things at once."""

import asyncio
import inspect
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

import stepbias as sb
from stepbias import AsyncClient, AsyncExperimentHandle, Client, ExperimentHandle, WaitTimeout
from tests.stepbias.client.living_service import LivingService, living_service, small_spec
from tests.stepbias.client.stub import ADDRESS, FakeClock, experiment, ok


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file, at work."""
    with living_service() as service, service.at_work():
        yield service


def _public(kind: type) -> dict[str, Any]:
    return {name: member for name, member in inspect.getmembers(kind) if not name.startswith("_")}


ONLY_HERE = {"courses", "require_success", "from_document"}
"""What handles are made of, and the loop inside `wait`."""


@pytest.mark.parametrize(("here", "there"), [(Client, AsyncClient), (ExperimentHandle, AsyncExperimentHandle)])
def test_both_clients_have_the_same_surface(here: type, there: type) -> None:
    """Names, parameters, defaults."""
    ours, theirs = _public(here), _public(there)
    assert set(theirs) - {"experiment", "etag"} == set(ours) - ONLY_HERE - {"experiment", "etag"}
    for name in set(ours) - ONLY_HERE:
        if not isinstance(theirs[name], property):
            assert list(inspect.signature(theirs[name]).parameters.values()) == list(
                inspect.signature(ours[name]).parameters.values()
            ), name
            assert theirs[name].__doc__
    constructors = [inspect.signature(each).parameters for each in (here, there)]
    assert there is AsyncExperimentHandle or constructors[0] == constructors[1]


def test_many_experiments_are_waited_for_at_once(service: LivingService) -> None:
    """And read as they end."""

    async def main() -> None:
        async with AsyncClient(service.url) as lab:
            handles = [await lab.submit(small_spec(name=f"number {number}")) for number in range(3)]
            done = await asyncio.gather(*(handle.wait(timeout=60) for handle in handles))
            assert [each.status for each in done] == ["succeeded"] * 3
            assert {run["index"] async for run in done[0].as_completed()} == set(range(6))
            assert len([run async for run in done[0].runs()]) == 6
            assert [each.id async for each in lab.experiments(name="number 1")] == [handles[1].id]
            assert (await done[0].figure()).startswith(b"\x89PNG")
            assert len(await done[0].predictor(0)) == len((await done[0].arrays(0))["predictor"])
            async with lab.with_options(patience=1.0) as other:
                assert (await other.experiment(done[0].id)).experiment.name == "number 0"
            assert repr(done[0]) == f"<experiment {done[0].id}: succeeded, 6 of 6>"

    asyncio.run(main())


def test_who_is_cancelled_stops_waiting() -> None:
    """Soon: no thread waits for the end of an experiment."""
    transport = httpx2.MockTransport(lambda _: ok(experiment("running")))

    async def main() -> None:
        async with AsyncClient(ADDRESS, transport=transport) as lab:
            handle = await lab.experiment("e1")
            waiting = asyncio.create_task(handle.wait())
            await asyncio.sleep(0.3)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(main())


def test_failures_are_those_of_the_other_client() -> None:
    """Raised where one awaits."""
    transport = httpx2.MockTransport(lambda _: ok(experiment("running")))

    async def main() -> None:
        async with AsyncClient(ADDRESS, transport=transport, clock=FakeClock()) as lab:
            handle = await lab.experiment("e1")
            with pytest.raises(WaitTimeout):
                await handle.wait(timeout=5)
            with pytest.raises(sb.UnusableValue):
                await lab.submit({"a": float("nan")})

    asyncio.run(main())


def test_who_waits_takes_no_thread_from_who_asks() -> None:
    """However many do: each of them waits here until something else was asked."""
    asked = threading.Event()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/version":
            asked.set()
        return ok(experiment("succeeded" if asked.is_set() else "running"))

    class Clock(FakeClock):
        def sleep(self, _seconds: float) -> None:
            asked.wait(30)

    async def main() -> None:
        async with AsyncClient(ADDRESS, transport=httpx2.MockTransport(answer), clock=Clock()) as lab:
            handle = await lab.experiment("e1")
            waiting = [asyncio.create_task(handle.wait()) for _ in range(50)]
            await asyncio.sleep(0.2)
            await asyncio.wait_for(lab.version(), 10)
            await asyncio.gather(*waiting)

    asyncio.run(main())
