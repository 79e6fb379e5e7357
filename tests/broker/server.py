"""A broker as a process of a test: killed, halted, and gone on with."""

import os
import signal
import subprocess


class Server:
    """A process with all that it has started, in a session of its own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __exit__(self, *_: object) -> None:
        """Nothing is left of it."""
        self.kill()

    def kill(self) -> None:
        """As a power cut does."""
        self.resume()
        self._send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def halt(self) -> None:
        """Have it answer nothing, while its connections stay."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)
