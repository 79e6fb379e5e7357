"""The prefix under which this service is reached; every link begins with it."""

from contextvars import ContextVar
from typing import Final

PREFIX: Final = ContextVar("prefix", default="")
"""Of the request that is answered: nothing, or a path without a slash at its end."""


def under_prefix(path: str) -> str:
    """Where whoever asks finds the path of this service."""
    return PREFIX.get() + path
