"""What a process that runs others has to say of them, on stderr."""

import contextlib
import sys


def complain(message: str) -> None:
    """Write the message; a terminal that is gone must not end the service."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"stepbias: {message}\n")
        sys.stderr.flush()
