"""Computing steps back where somebody who asks wants the same core."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_GROUP: Final = Path("/proc/self/autogroup")


def step_back(niceness: int, *, of_session: int) -> None:
    """Let this process of a pool be nicer than others by so much.

    Where Linux shares processors among sessions first (sched_autogroup), a process is nice to those of its own session
    alone, and the session itself has a niceness: `of_session`, where a worker has one to itself.
    """
    os.nice(niceness)
    if os.getsid(0) == os.getppid():
        with suppress(OSError):
            _GROUP.write_text(str(of_session), encoding="ascii")
