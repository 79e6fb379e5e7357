"""The prefix under which this service is reached; every link begins with it."""

from contextvars import ContextVar
from typing import Final

from starlette.requests import Request

PREFIX: Final = ContextVar("prefix", default="")
"""Of the request that is answered: nothing, or a path without a slash at its end."""


def under_prefix(path: str) -> str:
    """Where whoever asks finds the path of this service."""
    return PREFIX.get() + path


def is_estimate(request: Request) -> bool:
    """Whether the path is that of estimates, which answers to POST alone and would fit that of an experiment."""
    path: str = request.scope["path"]
    return path.endswith("/v1/experiments/estimate")
