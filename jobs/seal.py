"""Checksums of what is stored: a value that is not what was written is found before anybody believes it.

BLAKE2b with 64 bits of digest over the value's name and the value: a flipped bit, a torn write, or a value that lies
under another's name passes with a probability of 5e-20.
"""

import hashlib
from typing import Final

from jobs.errors import JobsError

SEAL_BYTES: Final = 8


class BrokenSeal(JobsError):
    """A stored value is not what was written."""

    def __init__(self, name: str) -> None:
        super().__init__(f"what is stored as {name} is damaged")
        self.name = name


def sealed(name: str, value: bytes) -> bytes:
    """The value behind its seal."""
    return _seal(name, value) + value


def opened(name: str, stored: bytes) -> bytes:
    """The value that was sealed under this name.

    Raises:
        BrokenSeal: it is not what was sealed.
    """
    value = stored[SEAL_BYTES:]
    if stored[:SEAL_BYTES] != _seal(name, value):
        raise BrokenSeal(name)
    return value


def _seal(name: str, value: bytes) -> bytes:
    digest = hashlib.blake2b(name.encode(), digest_size=SEAL_BYTES)
    digest.update(b"\0")
    digest.update(value)
    return digest.digest()
