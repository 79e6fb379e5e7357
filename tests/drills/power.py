"""What an acknowledged write survives when power is cut: the embedded server, its disk, and clients who keep books.

The server runs as `stepbias up` runs it, with the library of `sync_log.c` preloaded. At a random moment it is killed,
its directory is brought into a state in which a power cut may leave it, and it is started again, by the launcher's own
code.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from unittest import mock

import redis

from stepbias.launcher.processes.managed import ManagedProcess, ProcessLife
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store import embedded
from tests.drills.disk import Disk, Tail, cut
from tests.drills.writers import Writer

SOURCE: Final = Path(__file__).with_name("sync_log.c")
WRITERS: Final = 3
PROMISED: Final = (Tail.DROPPED, Tail.PREFIX)

LIFE: Final = (0.1, 1.0)
"""Seconds between a start and the cut."""

REWRITING: Final = {
    "auto-aof-rewrite-min-size": "200kb",
    "auto-aof-rewrite-percentage": "50",
    "rdb-key-save-delay": "200",
}
"""So that the server rewrites its log by itself, too, every few hundred writes, and takes its time (µs a key)."""


def compiler() -> str | None:
    """A C compiler, where there is one."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def unable() -> str | None:
    """Why this machine cannot do the drill; None where it can."""
    if not Path("/proc/self/fd").exists():
        return "files are told by /proc"
    return None if compiler() else "there is no C compiler"


@dataclass(kw_only=True)
class Outcome:
    """What came of a drill: cuts by the kind of what was left, bytes that were lost unsynced, writes, complaints."""

    cuts: Counter[Tail] = field(default_factory=Counter)
    with_loss: Counter[Tail] = field(default_factory=Counter)
    during_rewriting: int = 0
    lost_bytes: int = 0
    writes: int = 0
    complaints: list[str] = field(default_factory=list)


class PowerDrill:
    """One drill in a directory of its own.

    Args:
        directory: empty.
        seed: of everything that is drawn.
        tails: what may be left of what was not synced, in turn.
        policy: `appendfsync`, where it is not to be that of the service.
    """

    def __init__(
        self, directory: Path, *, seed: int, tails: Sequence[Tail] = PROMISED, policy: str | None = None
    ) -> None:
        self._state, self._log, self._inodes = (directory / name for name in ("state", "sync.log", "inodes"))
        self._root = self._state / "server"
        self._library = directory / "sync_log.so"
        self._rng = random.Random(seed)
        self._writers = [Writer(f"{seed}/{number}") for number in range(WRITERS)]
        self._tails, self._policy = tails, policy
        self._disk = Disk()
        self.outcome = Outcome()
        command = (compiler() or "cc", "-O1", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl")
        subprocess.run(command, check=True)

    def run(self, cuts: int) -> Outcome:
        """So many cuts of the power, until something is lost."""
        try:
            for number in range(cuts):
                self._live(self._tails[number % len(self._tails)])
                if self.outcome.complaints:
                    break
            else:
                with self._server() as (server, _):
                    self._has_lost(server.url, everything=True)
        except StartupError as error:
            self.outcome.complaints.append(f"the server does not come up: {error}")
        self.outcome.writes = sum(writer.writes for writer in self._writers)
        return self.outcome

    def _live(self, tail: Tail) -> None:
        with self._server() as (server, life), redis.Redis.from_url(server.url) as client:
            for name, value in (REWRITING | ({"appendfsync": self._policy} if self._policy else {})).items():
                client.config_set(name, value)
            if self._has_lost(server.url, everything=False):
                return
            for writer in self._writers:
                writer.start(server.url)
            self._rewrite_until(client, time.monotonic() + self._rng.uniform(*LIFE))
            self.outcome.during_rewriting += _is_rewriting(client)
            self._kill(life)
        self._disk.play(self._log.read_text().splitlines(), self._root)
        lost = cut(self._root, self._inodes, self._disk, tail, self._rng)
        self.outcome.cuts[tail] += 1
        self.outcome.with_loss[tail] += lost > 0
        self.outcome.lost_bytes += lost

    def _kill(self, life: ProcessLife) -> None:
        """Server and rewriting child at one moment; what it has answered by then, its clients may still read."""
        os.killpg(life.pid, signal.SIGKILL)
        for writer in self._writers:
            writer.join()

    def _rewrite_until(self, client: redis.Redis, end: float) -> None:
        """Have the log rewritten at random times, half of the times shortly before the end."""
        last = self._rng.choice([self._rng.uniform(0.0, 0.05), self._rng.uniform(0.05, 1.0)])
        while (left := end - time.monotonic()) > last:
            time.sleep(min(left - last, self._rng.uniform(0.05, 0.6)))
            # It may be at it by itself.
            with suppress(redis.ResponseError):
                client.bgrewriteaof()
        time.sleep(max(0.0, end - time.monotonic()))

    def _has_lost(self, url: str, *, everything: bool) -> bool:
        for writer in self._writers:
            self.outcome.complaints += writer.lost(url, everything=everything)
        return bool(self.outcome.complaints)

    @contextmanager
    def _server(self) -> Iterator[tuple[embedded.EmbeddedServer, ProcessLife]]:
        drill = self

        class Recorded(embedded.EmbeddedServer):
            """The embedded server, of which is noted what it syncs."""

            @property
            def process(self) -> ManagedProcess:
                return replace(super().process, env=os.environ | drill._begin_recording())

        with mock.patch.object(embedded, "EmbeddedServer", Recorded), embedded.embedded_server(self._state) as found:
            yield found

    def _begin_recording(self) -> Mapping[str, str]:
        shutil.rmtree(self._inodes, ignore_errors=True)
        self._inodes.mkdir()
        self._log.write_text("")
        self._disk = Disk.at_rest(self._root, self._inodes)
        return {
            "LD_PRELOAD": str(self._library),
            "DRILL_SYNC_LOG": str(self._log),
            "DRILL_INODES": str(self._inodes),
        }


def _is_rewriting(client: redis.Redis) -> bool:
    found = client.info("persistence")
    return bool(found["aof_rewrite_in_progress"])


def report(outcome: Outcome) -> Iterator[str]:
    """What was done, as lines."""
    yield f"{'left of what was not synced':<30} {'cuts':>6} {'with a loss':>12}"
    for tail, count in outcome.cuts.items():
        yield f"{tail:<30} {count:>6} {outcome.with_loss[tail]:>12}"
    yield f"acknowledged writes: {outcome.writes}; bytes lost of what was not synced: {outcome.lost_bytes}"
    yield f"cuts while the server rewrote its log: {outcome.during_rewriting}"
