"""`python -m benchmarks.store_load`: a worker whose training is a sleep and whose every call of the store is real.

It takes an address, the seconds of a batch and how long to go on, and says how many jobs it did and what it computed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import redis

from benchmarks.baseline_process import ROOT
from benchmarks.store_costs import BATCH_RUNS, Payloads, Planned, real_payloads, server_of_its_own
from core.array_block import Numbers
from jobs.connection import connect
from jobs.records import Claim, Queue
from jobs.redis_store import RedisStore, server
from jobs.run_pages import packed_page
from jobs.settings import Settings

ANALYSIS: Final = "analysis of the problem that is trained"


LABEL: Final = "load"

START_SECONDS: Final = 4.0
"""In which all workers have started."""


@cache
def _packed_once(values: tuple[bytes, ...], numbers_in: Callable[[bytes], Sequence[Numbers]]) -> bytes:
    return packed_page(values, numbers_in)


class StubWorker:
    """A worker that sleeps for as long as it would train; results are those of real runs, packed once."""

    def __init__(self, url: str, payloads: Payloads) -> None:
        self._store, self._payloads = RedisStore(connect(url, patience=5.0), Settings()), payloads
        # The load is on the store: what packing costs a worker is not to keep two cores busy.
        vars(server)["packed_page"] = lambda values, numbers_in: _packed_once(tuple(values), numbers_in)

    def go_on(self, seconds: float, until: float) -> dict[str, float]:
        """Do jobs until then, each of so many seconds; jobs and runs done, seconds computed."""
        began, computed, jobs = time.monotonic(), time.process_time(), 0
        while time.monotonic() < until:
            claim = self._store.claim(Queue.BATCH, worker="stub")
            if claim is None:
                break
            self._do(claim, seconds)
            jobs += 1
        return {
            "jobs": jobs,
            "seconds": time.monotonic() - began,
            "computed": time.process_time() - computed,
        }

    def _do(self, claim: Claim, seconds: float) -> None:
        store, indices = self._store, claim.job.payload["indices"]
        store.heartbeat(claim, fraction=0.0)
        store.spec(claim.job.experiment_id)
        store.checkpoint(claim.job)
        store.document(ANALYSIS)
        self._train(claim, seconds)
        store.commit_runs(claim, self._payloads.finished(indices, LABEL))
        store.complete(claim)

    def _train(self, claim: Claim, seconds: float) -> None:
        """Sleep, with a heartbeat every two seconds and a checkpoint every five, as a worker has them."""
        began, beat, kept = time.monotonic(), 2.0, 5.0
        while (past := time.monotonic() - began) < seconds:
            if past >= beat:
                beat += 2.0
                self._store.heartbeat(claim, fraction=past / seconds)
            if past >= kept:
                kept += 5.0
                self._store.save_checkpoint(claim, self._payloads.checkpoint)
            time.sleep(max(min(beat, kept, seconds) - past, 0.0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """What so many workers have reached together, and what that took.

    Attributes:
        jobs: a second.
        server_microseconds: of the server's thread for each run.
        own_seconds: that a worker computed for each job.
    """

    jobs: float
    server_microseconds: float
    own_seconds: float


def reached(  # noqa: PLR0913 - all of a load, named
    payloads: Payloads, *, workers: int, batch_seconds: float, seconds: float, jobs: int, disk: Path | None
) -> Reached:
    """Let so many workers work off batches for so many seconds, on a server of their own; the jobs must be enough."""
    with server_of_its_own(disk) as url:
        client = connect(url, patience=5.0)
        store = RedisStore(client, Settings())
        store.put_document(ANALYSIS, payloads.analysis)
        Planned(store, payloads, LABEL, batches=jobs, runs=BATCH_RUNS)
        begins = time.monotonic() + START_SECONDS
        words = [sys.executable, "-m", "benchmarks.store_load", url, str(batch_seconds), str(begins), str(seconds)]
        processes = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(workers)]
        time.sleep(max(begins - time.monotonic(), 0.0))
        before = _server_seconds(client)
        found = [json.loads(each.communicate()[0]) for each in processes]
        taken = _server_seconds(client) - before
    done = sum(each["jobs"] for each in found)
    assert done < jobs, "there was nothing left to do"
    return Reached(
        jobs=sum(each["jobs"] / each["seconds"] for each in found),
        server_microseconds=1e6 * taken / (done * BATCH_RUNS),
        own_seconds=sum(each["computed"] for each in found) / done,
    )


def _server_seconds(client: redis.Redis) -> float:
    found = client.info("cpu")
    return float(found["used_cpu_user_main_thread"] + found["used_cpu_sys_main_thread"])


def main() -> None:
    """One worker."""
    url, batch_seconds, begins, seconds = sys.argv[1:]
    worker = StubWorker(url, real_payloads())
    time.sleep(max(float(begins) - time.monotonic(), 0.0))
    found: Mapping[str, float] = worker.go_on(float(batch_seconds), time.monotonic() + float(seconds))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
