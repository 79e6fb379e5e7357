"""A RabbitMQ of the test's own, in a directory of its own: started, killed, halted and started again."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Self

from typing_extensions import override  # in typing itself from Python 3.12 on

from tests.broker.server import Server
from tests.conftest import free_port

PROGRAM: Final = shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/bin")
"""Debian's wrapper in /usr/sbin would change to a user of its own."""

START_SECONDS: Final = 120.0

_CONFIGURATION: Final = """
listeners.tcp.default = 127.0.0.1:{port}
loopback_users = none
consumer_timeout = {consumer_timeout}
"""


class RabbitMQ(Server):
    """A server on this machine alone; what it keeps lies in the directory, and is there after a restart."""

    def __init__(self, directory: Path, *, consumer_timeout: int = 1_800_000) -> None:
        super().__init__()
        self.directory = directory
        self.port = free_port()
        self._epmd_port, self._dist_port = free_port(), free_port()
        self._consumer_timeout = consumer_timeout

    @property
    def url(self) -> str:
        """Its address, of a user who may do everything."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def __enter__(self) -> Self:
        """Running."""
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    @override
    def __exit__(self, *_: object) -> None:
        super().__exit__()
        program = shutil.which("epmd")
        for _ in range(50 if program else 0):
            # Refused until it has noticed that its only node is gone.
            options = ["-port", str(self._epmd_port), "-kill"]
            done = subprocess.run([str(program), *options], capture_output=True, check=False, env=self._environment())
            if b"Killed" in done.stdout or b"Cannot connect" in done.stdout + done.stderr:
                break
            time.sleep(0.1)

    def start(self) -> None:
        """Return when it takes connections."""
        assert PROGRAM is not None
        (self.directory / "rabbitmq.conf").write_text(
            _CONFIGURATION.format(port=self.port, consumer_timeout=self._consumer_timeout), encoding="utf-8"
        )
        (self.directory / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        with (self.directory / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [PROGRAM], env=self._environment(), stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.directory / "output.log").read_text(errors="replace")
            assert time.monotonic() < deadline, "RabbitMQ does not start"
            time.sleep(0.2)

    def log(self) -> str:
        """What it has logged."""
        return "".join(each.read_text(errors="replace") for each in sorted((self.directory / "log").glob("*.log")))

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        here = str(self.directory)
        return {
            "PATH": os.environ["PATH"],
            "HOME": here,
            "LANG": "C.UTF-8",
            "ERL_CRASH_DUMP": f"{here}/erl_crash.dump",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"stepbias{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq",
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": f"{here}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            "RABBITMQ_PID_FILE": f"{here}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -rabbit channel_tick_interval 1000",
        }
