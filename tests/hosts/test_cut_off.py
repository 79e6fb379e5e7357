"""A worker that is cut off from its store and comes back: by itself, and nothing is counted twice.

On one machine, with a proxy that speaks TLS in front of the store for each worker. `make hosts-test` does it in network
namespaces, for a minute.
"""

import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from jobs.connection import connect
from jobs.redis_store.users import User
from stepbias import ExperimentHandle
from stepbias.launcher.store.credentials import address_of, ensure_credentials
from tests.conftest import free_port, running_valkey
from tests.faults.proxy import Proxy, Rules
from tests.hosts.certificates import make, needs_openssl, server_side
from tests.hosts.spread_service import EXPERIMENT_SECONDS, READY_SECONDS, Host, Observed, await_that
from tests.jobs.conftest import ROOT

pytestmark = [pytest.mark.services, pytest.mark.timeout(300), needs_openssl]

SETTINGS: Final = {
    "STEPBIAS_LEASE_SECONDS": "2",
    "STEPBIAS_HEARTBEAT_SECONDS": "0.5",
    "STEPBIAS_JANITOR_SECONDS": "0.5",
    "STEPBIAS_CHECKPOINT_SECONDS": "0.5",
}
"""So that a cut of seconds is long."""

CUT_SECONDS: Final = 5.0

SPEC: Final[dict[str, Any]] = {
    "name": "cut off",
    "data": {"kind": "sparse_regression", "samples": 50, "dimension": 100, "seed": {"values": [0, 1]}},
    "initialization": {"kind": "uniform", "scale": {"start": 0.01, "stop": 1.0, "num": 6, "spacing": "log"}},
    "optimizer": {
        "kind": "gradient_descent",
        "step_size": {"fractions_of_max_stable": [0.2, 0.4, 0.6, 0.9]},
        "warmup_steps": 20_000,
    },
    "stopping": {"loss_tolerance": 1e-8},
}


class Laboratory:
    """Store, API and an interactive worker here, and a batch worker behind each of two proxies."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        port = free_port()
        here = f"redis://127.0.0.1:{port}/0"
        own = directory / "credentials"
        own.mkdir()
        ensure_credentials(own, here)
        users = (own / "users.acl").read_text(encoding="ascii")
        (directory / "users.acl").write_text(f"{users}user root on >root ~* &* +@all\n", encoding="ascii")
        self.root = stack.enter_context(running_valkey(directory, port, ROOT, aclfile=directory / "users.acl"))
        tls = make(directory / "certificates")
        self.proxies: dict[str, Proxy] = {}
        api = free_port()
        here_hosts = Host(name="api", secrets=own / "api"), Host(name="interactive", secrets=own / "worker")
        stack.enter_context(here_hosts[0].running("api", "--port", str(api), settings=SETTINGS))
        stack.enter_context(here_hosts[1].running("worker", "--queue", "interactive", settings=SETTINGS))
        for name in ("b", "c"):
            proxy = stack.enter_context(Proxy(lambda: port, random.Random(0), server_side(tls)))
            secrets = directory / name
            secrets.mkdir()
            address = address_of(own, User.WORKER, f"rediss://localhost:{proxy.port}/0")
            (secrets / "stepbias_redis_url").write_text(address, encoding="ascii")
            shutil.copyfile(tls / "ca.crt", secrets / "stepbias_redis_ca")
            host = Host(name=f"host-{name}", secrets=secrets)
            stack.enter_context(host.running("worker", "--queue", "batch", settings=SETTINGS))
            self.proxies[name] = proxy
        administrator = address_of(own, User.ADMINISTRATOR, here)
        self.service = stack.enter_context(Observed.by(f"http://127.0.0.1:{api}", administrator))


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    """Ready, with both workers."""
    with ExitStack() as stack:
        found = Laboratory(tmp_path, stack)
        await_that("ready", found.service.is_ready, READY_SECONDS)
        await_that("two workers", lambda: len(found.service.batch_workers()) == 2, READY_SECONDS)
        yield found


@pytest.mark.skipif(sys.platform != "linux", reason="as the other tests of whole services")
def test_a_worker_that_was_cut_off_goes_on_by_itself(laboratory: Laboratory) -> None:
    """Its packets stop, then its connections are half-open for good; every run is counted once, as in one process."""
    service, proxy = laboratory.service, laboratory.proxies["b"]
    before = service.batch_workers()
    handle = service.client.submit(SPEC)
    await_that("running", lambda: handle.refresh().runs_done > 0, READY_SECONDS)
    with proxy.under(Rules(held=True)):
        await_that("one is missed", lambda: len(service.batch_workers()) == 1, READY_SECONDS)
        time.sleep(CUT_SECONDS)
        assert proxy.freeze(1.0) > 0
    await_that("back", lambda: service.batch_workers() == before, READY_SECONDS)
    handle.wait(EXPERIMENT_SECONDS)
    assert handle.refresh().status == "succeeded"
    service.require_each_run_once(handle, SPEC)
    _use_everything(service, handle)
    with connect(laboratory.root, patience=5.0) as root:
        assert [(each["username"], each["object"]) for each in root.acl_log()] == []


def _use_everything(service: Observed, handle: ExperimentHandle) -> None:
    """What else API and workers are asked for: figures, exports, edits, uploads, cancels, deletes."""
    client = service.client
    assert handle.figure(format="png").startswith(b"\x89PNG")
    assert handle.read("results", format="csv").count(b"\n") > 48
    handle.edit(tags=["cut"], notes="a note")
    assert [each.id for each in client.experiments(tag="cut")] == [handle.id]
    uploaded = client.upload_dataset({"X": [[1.0, 2.0], [0.5, 1.5]], "y": [1.0, 0.5]})
    other = client.submit(SPEC | {"name": "cancelled", "data": {"kind": "dataset", "id": uploaded["id"]}})
    other.cancel()
    other.delete()
    client.delete_dataset(uploaded["id"])
    handle.delete()
    assert not list(client.experiments())
    # The janitors' rounds, which clear away what is left.
    root = service.store
    await_that("cleared", lambda: not root._read(["EXISTS", "stepbias:garbage"])[0], READY_SECONDS)
