"""What the process is at while it logs: the request that it answers, the experiment and the job that it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_FIELDS: Final = {
    name: ContextVar[str | None](name, default=None) for name in ("request_id", "experiment_id", "job_id")
}


@contextmanager
def logging_of(**ids: str) -> Iterator[None]:
    """Until the block ends, records of this thread or task are about `request_id`, `experiment_id`, `job_id`."""
    tokens = [(_FIELDS[name], _FIELDS[name].set(value)) for name, value in ids.items()]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)


def logged_ids() -> dict[str, str]:
    """What records of this thread or task are about."""
    return {name: value for name, variable in _FIELDS.items() if (value := variable.get()) is not None}
