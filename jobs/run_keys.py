"""The run keys of an experiment, packed: 32 bytes a run, in the order of the grid."""

from collections.abc import Iterable, Iterator
from typing import Final

DIGEST_BYTES: Final = 32
"""A run key is a SHA-256 digest."""

_NO_KEY = bytes(DIGEST_BYTES)


def packed(keys: Iterable[str]) -> bytes:
    """The digests one after another.

    Raises:
        ValueError: a key is not the hexadecimal form of a SHA-256 digest.
    """
    digests = [bytes.fromhex(key) for key in keys]
    if any(len(digest) != DIGEST_BYTES for digest in digests):
        raise ValueError("a run key has 64 hexadecimal digits")
    return b"".join(digests)


def unpacked(digests: bytes) -> Iterator[str | None]:
    """The keys of `packed`; None where nothing has been written yet, which reads as zeros."""
    for start in range(0, len(digests), DIGEST_BYTES):
        digest = digests[start : start + DIGEST_BYTES]
        yield None if digest == _NO_KEY else digest.hex()
