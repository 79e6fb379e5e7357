"""The signals by which a person, a terminal or a service manager ends the supervisor, as a wait and a question."""

import os
import select
import signal
import time
from types import FrameType, TracebackType
from typing import Self

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# `timeout` and some service managers signal the process and then its group: two signals that are one request.
_ONE_REQUEST = 1.0


class StopSignals:
    """While entered, SIGINT, SIGTERM and SIGHUP only set `requested`; these and the end of a child cut `wait` short.

    A SIGINT or SIGHUP that was ignored before stays ignored: a shell without job control starts what stands before an
    `&` deaf to Ctrl-C, which is meant for others then, and nohup does so with the end of the terminal. SIGTERM names
    its addressee and is heard always. After a requested stop those that were heard are ignored for good: the process
    is about to end, and a person who presses Ctrl-C once more must not change its exit code.
    To be entered in the main thread.
    """

    def __init__(self) -> None:
        self._requests: list[float] = []

    def __enter__(self) -> Self:
        # A wake-up descriptor, since a signal that arrives just before `select` would else be slept through.
        self._wake, self._written = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._written, False)
        self._previous_wakeup = signal.set_wakeup_fd(self._written, warn_on_full_buffer=False)
        heard = [n for n in _STOPPING if n == signal.SIGTERM or signal.getsignal(n) is not signal.SIG_IGN]
        self._previous = {number: signal.signal(number, self._note) for number in (*heard, signal.SIGCHLD)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_IGN if self._requests and number in _STOPPING else handler)
        signal.set_wakeup_fd(self._previous_wakeup)
        os.close(self._wake)
        os.close(self._written)

    def requested(self) -> bool:
        """Whether one of the stopping signals has arrived."""
        return bool(self._requests)

    def is_urgent(self) -> bool:
        """Whether a second one arrived at least a second after the first: stop without waiting."""
        return bool(self._requests) and self._requests[-1] - self._requests[0] > _ONE_REQUEST

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a signal arrives."""
        readable, _, _ = select.select([self._wake], [], [], seconds)
        if readable:
            os.read(self._wake, 4096)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._requests.append(time.monotonic())
