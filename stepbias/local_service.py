"""A service on this machine, found or started by a script."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from stepbias.client import Client
from stepbias.errors import ProblemError, ServiceUnreachable
from stepbias.state_home import address_in, default_state_directory, is_claimed

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.05


class LocalClient(Client):
    """A client of a service of this machine, which ends with it if it was started for it."""

    def __init__(self, base_url: str, started: "subprocess.Popen[bytes] | None", **options: Any) -> None:
        super().__init__(base_url, **options)
        self._started = started
        self._starter = os.getpid()

    def close(self) -> None:
        """Close the connections, and end the service if it was started here, by this process."""
        super().close()
        if self._started is not None and self._starter == os.getpid():
            end(self._started)
        self._started = None

    def answers(self) -> bool:
        """Whether the service does, at this moment."""
        try:
            self._connection.send("GET", "/readyz", patience=0.0)
        except (ServiceUnreachable, ProblemError):
            return False
        return True


def local(state_dir: str | Path | None = None, *, workers: int | None = None, **options: Any) -> LocalClient:
    """A client of the service of this machine that keeps its data in this directory.

    It is the one that runs, or else one that is started now and ends when the client is closed, or this program ends,
    however it does. What it has computed stays in the directory. The package has to be installed with the service:
    `stepbias[service]`.

    Args:
        state_dir: where the service keeps its data; that of `stepbias up` if None.
        workers: batches trained at a time, by one that is started; the number of cores if None.
        options: of `Client`.

    Raises:
        ServiceUnreachable: none could be started; the text is what it said. Or the directory is somebody else's.
    """
    directory = Path(state_dir).expanduser().absolute() if state_dir else default_state_directory()
    try:
        return _running(directory, options) or _started(directory, workers, options)
    except PermissionError as error:
        raise ServiceUnreachable(f"{error.filename}: {error.strerror}") from error


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a service that was started here; its standard input may be open in what was forked meanwhile, too."""
    process.terminate()
    process.wait(STOP_SECONDS)
    if process.stdin:
        process.stdin.close()


def _running(
    directory: Path, options: dict[str, Any], started: "subprocess.Popen[bytes] | None" = None
) -> LocalClient | None:
    """A client of the service that has noted its address in the directory, if it answers there."""
    url = address_in(directory)
    if url is None or not is_claimed(directory):
        return None
    client = LocalClient(url, started, **options)
    if client.answers():
        return client
    # Not closed as it is: that would end what is only beginning.
    Client.close(client)
    return None


def _started(directory: Path, workers: int | None, options: dict[str, Any]) -> LocalClient:
    # -P: what lies in the directory of the script is not what the service is made of.
    command = [
        sys.executable,
        "-P",
        "-m",
        "stepbias",
        "up",
        "--port",
        "0",
        "--state-dir",
        str(directory),
        "--until-eof",
    ]
    command += [] if workers is None else ["--workers", str(workers)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and command
            command, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            if found := _once_ready(process, directory, options):
                return found
        except BaseException:
            end(process)
            raise
        end(process)
        said.seek(0)
        raise ServiceUnreachable(said.read().decode(errors="replace").strip() or "the service has not started")


def _once_ready(process: "subprocess.Popen[bytes]", directory: Path, options: dict[str, Any]) -> LocalClient | None:
    """A client of what was started, or of what another program has started at the same moment."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        is_ours = process.poll() is None
        if found := _running(directory, options, process if is_ours else None):
            return found
        if not is_ours and not is_claimed(directory):
            return None
        time.sleep(LOOK_SECONDS)
    return None
