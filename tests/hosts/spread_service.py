"""A service whose processes are on several hosts, each with nothing but a directory of secrets."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx2

from jobs.connection import connect
from jobs.records import Queue
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias import Client, ExperimentHandle
from tests.compose.agreement import compare, computed_here

READY_SECONDS: Final = 90.0
EXPERIMENT_SECONDS: Final = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """Where processes run.

    Attributes:
        name: of its logs.
        secrets: its directory of secrets.
        prefix: the words before each command that is run there.
    """

    name: str
    secrets: Path
    prefix: tuple[str, ...] = ()

    @contextmanager
    def running(self, *words: str, settings: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        """A `stepbias serve …` here, until the block ends."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
        environment |= {"STEPBIAS_SECRETS_DIR": str(self.secrets), "STEPBIAS_KEYS": "off", **settings}
        command = (*self.prefix, sys.executable, "-m", "stepbias.cli.main", "serve", *words)
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.secrets)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def log(self) -> Path:
        """What its processes say."""
        return self.secrets.parent / f"{self.name}.log"


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A service as people see it, and its store as its administrator does.

    Attributes:
        url: of the API.
        client: of the API.
        store: its store.
    """

    url: str
    client: Client
    store: RedisStore

    @classmethod
    @contextmanager
    def by(cls, url: str, administrator: str) -> Iterator[Self]:
        """With an address of the store."""
        with Client(url) as client, connect(administrator, patience=5.0) as server:
            yield cls(url=url, client=client, store=RedisStore(server, Settings(redis_url=None)))

    def is_ready(self) -> bool:
        """Whether work is taken."""
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=5.0, trust_env=False).status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def batch_workers(self) -> set[str]:
        """The names of those that live."""
        return {each.name for each in self.store.look_around(Queue.BATCH).workers}

    def holders(self, handle: ExperimentHandle) -> set[str]:
        """Who has had a training job of the experiment last, by the job's hash."""
        names = (f"stepbias:job:{job.id}" for job in self.store.jobs(handle.id) if ".plan" not in job.id)
        answers = self.store._read(*(["HGET", name, "worker"] for name in names))
        return {each.decode() for each in answers if each}

    def require_each_run_once(self, handle: ExperimentHandle, spec: Mapping[str, Any]) -> None:
        """All runs were stored, each was counted once, and the numbers are those of one process."""
        told = Counter(run for event in self.store.events(handle.id) for run in event.runs)
        total = handle.refresh().runs_total
        assert sorted(told.elements()) == list(range(total)), (
            f"counted more than once, or not: {told - Counter(range(total))}"
        )
        assert handle.experiment.runs_done == total
        agreement = compare(json.loads(handle.read("results")), computed_here(spec))
        assert len(agreement.kernels) == 1
        assert agreement.numbers > 5 * total
        assert not agreement.faults


def await_that(what: str, is_so: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so; for how many seconds that was.

    Raises:
        AssertionError: it does not come to be.
    """
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + seconds, f"not so within {seconds:.0f} s: {what}"
        time.sleep(0.2)
    return time.monotonic() - began
