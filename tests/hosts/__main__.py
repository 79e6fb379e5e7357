"""The service on three hosts, which are network namespaces of this machine: `python -m tests.hosts --help`.

Host A has the store, which speaks TLS alone, and the API; hosts B and C have a worker each, and its two secrets. B is
cut off for a minute in four ways, in the middle of a sweep. Every time it comes back by itself, every run is counted
once, and the numbers are those of one process. For root, with `ip`, `iptables` and a `redis-server` that has TLS.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import click

from jobs.connection import connect, vendor_errors
from jobs.errors import StoreUnavailable
from jobs.redis_store.users import User
from jobs.settings import Settings
from stepbias.launcher.store.credentials import address_of, ensure_credentials
from tests.hosts.certificates import make
from tests.hosts.network import Cut, Namespace, NetworkError, network
from tests.hosts.spread_service import EXPERIMENT_SECONDS, READY_SECONDS, Host, Observed, await_that

_PORT: Final = 6380
_API_PORT: Final = 8000


def spec(seed: int) -> dict[str, Any]:
    """Other runs for each seed: some two minutes on one core."""
    return {
        "name": f"three hosts, {seed}",
        "data": {
            "kind": "sparse_regression",
            "samples": 50,
            "dimension": 100,
            "seed": {"values": list(range(seed, seed + 6))},
        },
        "initialization": {"kind": "uniform", "scale": {"start": 0.01, "stop": 1.0, "num": 8, "spacing": "log"}},
        "optimizer": {
            "kind": "gradient_descent",
            "step_size": {"fractions_of_max_stable": [0.2, 0.4, 0.6, 0.9]},
            "warmup_steps": 20_000,
        },
        "stopping": {"loss_tolerance": 1e-8},
    }


class ThreeHosts:
    """All of it, running."""

    def __init__(self, directory: Path, server: str, stack: ExitStack) -> None:
        # The server, which is another user elsewhere, is this one here.
        self.a, self.b, self.c = stack.enter_context(network("a", "b", "c"))
        address = f"rediss://{self.a.address}:{_PORT}/0"
        self.own = directory / "credentials"
        self.own.mkdir()
        ensure_credentials(self.own, address)
        self.tls = make(directory / "certificates", f"IP:{self.a.address}")
        self._start_store(directory, server, stack)
        self.administrator = address_of(self.own, User.ADMINISTRATOR, address)
        for name, part in (("api", "api"), ("interactive", "worker")):
            host = self._host(self.a, name, self.own / part)
            command = {
                "api": ("api", "--host", self.a.address, "--port", str(_API_PORT)),
                "interactive": ("worker", "--queue", "interactive"),
            }[name]
            stack.enter_context(host.running(*command, settings={}))
        for space in (self.b, self.c):
            secrets = directory / f"host-{space.name}"
            shutil.copytree(self.own / "worker", secrets)
            host = self._host(space, f"worker-{space.name}", secrets)
            stack.enter_context(host.running("worker", "--queue", "batch", settings={}))
        url = f"http://{self.a.address}:{_API_PORT}"
        self.service = stack.enter_context(Observed.by(url, self._verified(self.administrator)))

    def _host(self, space: Namespace, name: str, secrets: Path) -> Host:
        shutil.copyfile(self.tls / "ca.crt", secrets / "stepbias_redis_ca")
        return Host(name=name, secrets=secrets, prefix=space.prefix)

    def _verified(self, address: str) -> str:
        given = {"redis_url": address, "redis_ca": str(self.tls / "ca.crt")}
        return str(Settings.model_validate(given).store_url)

    def _start_store(self, directory: Path, server: str, stack: ExitStack) -> None:
        data = directory / "data"
        data.mkdir()
        options = {
            "bind": self.a.address,
            "port": 0,
            "tls-port": _PORT,
            "tls-cert-file": self.tls / "store.crt",
            "tls-key-file": self.tls / "store.key",
            "tls-auth-clients": "no",
            "aclfile": self.own / "users.acl",
            "dir": data,
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": directory / "store.log",
        }
        words = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        store = stack.enter_context(subprocess.Popen([*self.a.prefix, server, *words]))
        stack.callback(store.kill)

    def require_closed_doors(self) -> None:
        """In plain text nobody is answered, and without a user nobody is let in."""
        at = f"{self.a.address}:{_PORT}/0"
        strangers = (f"rediss://{at}", f"rediss://worker:guess@{at}")
        for url in (f"redis://{at}", *map(self._verified, strangers), self.administrator):
            try:
                with vendor_errors(), connect(url, patience=0.0) as client:
                    client.ping()
            except StoreUnavailable as error:
                _say(f"refused: {str(error)[:90]}")
            else:
                raise AssertionError("the store takes in whoever comes")

    def drill(self, how: Cut, seconds: float, number: int) -> None:
        """Cut B off in the middle of a sweep."""
        service, asked = self.service, spec(100 * number)
        before = service.batch_workers()
        handle = service.client.submit(asked)
        await_that("running", lambda: handle.refresh().runs_done > 0, READY_SECONDS)
        with self.b.cut_off(how):
            now = handle.refresh()
            _say(f"{how}, for {seconds:.0f} s; {now.runs_done} of {now.runs_total} runs are done")
            missed = await_that("B is missed", lambda: len(service.batch_workers()) == 1, READY_SECONDS)
            time.sleep(max(seconds - missed, 0.0))
            _say(f"B was missed after {missed:.1f} s; {handle.refresh().runs_done} runs are done")
        back = await_that("B is back", lambda: service.batch_workers() == before, READY_SECONDS)
        handle.wait(EXPERIMENT_SECONDS)
        _say(f"B was back after {back:.1f} s, by itself, and the sweep {handle.refresh().status}")
        service.require_each_run_once(handle, asked)
        again = spec(100 * number + 50)
        handle = service.client.submit(again)
        handle.wait(EXPERIMENT_SECONDS)
        assert parents(service.holders(handle)) == before, "one of the hosts took no work of the next sweep"
        service.require_each_run_once(handle, again)
        _say("every run was counted once, with the numbers of one process; both hosts took work of the next sweep")


def parents(workers: Iterable[str]) -> set[str]:
    """The workers whose processes these are, by the names of both: of those that live still."""
    found = set()
    for host, _, pid in (each.rpartition(":") for each in workers):
        with suppress(FileNotFoundError):
            found.add(f"{host}:{Path('/proc', pid, 'stat').read_text(encoding='utf-8').rpartition(')')[2].split()[1]}")
    return found


_BEGAN: Final = time.monotonic()


def _say(line: str) -> None:
    click.echo(f"[{time.monotonic() - _BEGAN:6.1f} s] {line}")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all went well; 1 if not, or if this machine cannot do it."""
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for which host B is cut off, each time")
    parser.add_argument("--server", default="redis-server", help="a Redis or Valkey that has TLS")
    parser.add_argument("--cuts", nargs="+", choices=[each.name for each in Cut], default=[each.name for each in Cut])
    given = parser.parse_args(arguments)
    lacks = [each for each in ("ip", "iptables", "openssl", given.server) if shutil.which(each) is None]
    if os.geteuid() or lacks:
        click.echo(f"network namespaces need root, and these: {', '.join(lacks) or 'all there'}", err=True)
        return 1
    with tempfile.TemporaryDirectory(prefix="stepbias-hosts-") as directory, ExitStack() as stack:
        try:
            hosts = ThreeHosts(Path(directory), shutil.which(given.server) or "", stack)
            await_that("ready", hosts.service.is_ready, READY_SECONDS)
            await_that("two workers", lambda: len(hosts.service.batch_workers()) == 2, READY_SECONDS)
            _say("three hosts are ready")
            hosts.require_closed_doors()
            for number, name in enumerate(given.cuts, 1):
                hosts.drill(Cut[name], given.seconds, number)
        except (AssertionError, NetworkError, StoreUnavailable) as error:
            click.echo(f"it failed: {error}", err=True)
            for log in sorted(Path(directory).rglob("*.log")):
                click.echo(f"--- {log.name}\n" + "\n".join(log.read_text("utf-8").splitlines()[-20:]), err=True)
            return 1
    click.echo("host B was cut off in every way, and nothing was lost or counted twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
