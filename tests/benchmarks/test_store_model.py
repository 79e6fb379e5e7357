"""The model of a store under load, held to what is known in closed form."""

from collections.abc import Iterator

import pytest

from benchmarks.store_model import Call, Compute, Deed, Server, Simulation

READ, WRITE = Call("read", 0.001, writes=False), Call("write", 0.001, writes=True)


def _again_and_again(*deeds: Deed) -> Iterator[Deed]:
    while True:
        yield from deeds


def _run(server: Server, *processes: tuple[Deed, ...], seconds: float = 50.0) -> Simulation:
    simulation = Simulation(server)
    for each in processes:
        simulation.begin(_again_and_again(*each))
    simulation.run(seconds, warm_up=2.0)
    return simulation


def test_one_client_waits_for_all_that_its_request_takes() -> None:
    """The way there and back, the thread, the flush, the disk: 0.5 + 1 + 2 + 4 + 0.5 ms, and 2 ms by itself."""
    server = Server(flush_cpu=0.002, flush_wait=0.004, latency=0.0005)
    found = _run(server, (WRITE, Compute(0.002))).found
    assert found.percentile("write", 50) == pytest.approx(0.008)
    assert found.flushes / found.seconds == pytest.approx(100, rel=0.01)
    assert found.utilisation == pytest.approx(0.7, rel=0.01)


def test_writes_that_come_together_share_one_flush() -> None:
    """While the disk takes the first, all others arrive: from then on they go round together."""
    server = Server(flush_cpu=0.0, flush_wait=0.01)
    alone, many = _run(server, (WRITE,)).found, _run(server, *[(WRITE,)] * 10).found
    assert alone.flushes / alone.seconds == pytest.approx(1 / 0.011, rel=0.01)
    assert len(alone.latencies["write"]) == pytest.approx(alone.flushes, abs=1)
    # Two groups take turns, of which each waits for the disk once.
    rate = len(many.latencies["write"]) / many.seconds
    assert rate == pytest.approx(10 / (2 * 0.01 + 10 * 0.001), rel=0.02)
    assert many.flushes / many.seconds == pytest.approx(rate / 5, rel=0.2)


def test_a_busy_server_is_asked_as_often_as_it_can_answer() -> None:
    """Closed loop: with more clients than it has time for, one request a service time."""
    found = _run(Server(flush_cpu=0.0, flush_wait=0.0), *[(READ, 0.002)] * 20).found
    assert len(found.latencies["read"]) / found.seconds == pytest.approx(1000, rel=0.01)
    assert found.utilisation == pytest.approx(1.0, rel=0.01)


def test_who_shares_cores_computes_in_turn() -> None:
    """Three processes of one millisecond each, on one core."""
    simulation = Simulation(Server(flush_cpu=0.0, flush_wait=0.0, cores=1))
    done: list[float] = []

    def work() -> Iterator[Deed]:
        while True:
            yield Compute(0.001)
            done.append(simulation.now)

    for _ in range(3):
        simulation.begin(work())
    simulation.run(10.0, warm_up=2.0)
    assert sum(at > 2.0 for at in done) == pytest.approx(10_000, rel=0.01)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_requests_at_random_wait_as_pollaczek_and_khinchine_have_it(share: float) -> None:
    """Requests of one length s that come by chance wait for ρs/(2(1 − ρ)) on average, if each is answered in its turn.

    Here all that have arrived are answered together, at the end of the last of them: the wait is no shorter, and by no
    more than the requests that are served at once take.
    """
    simulation = Simulation(Server(flush_cpu=0.0, flush_wait=0.0))
    rate, seconds = share / READ.cpu, 200.0

    def clients() -> Iterator[Deed]:
        while True:
            yield simulation.random.expovariate(rate)
            simulation.begin(iter([READ]))

    simulation.begin(clients())
    found = simulation.run(seconds, warm_up=5.0)
    assert found.utilisation == pytest.approx(share, rel=0.03)
    taken = found.latencies["read"]
    wait = sum(taken) / len(taken) - READ.cpu
    in_turn = share * READ.cpu / (2 * (1 - share))
    assert in_turn * 0.9 < wait < 3 * in_turn
