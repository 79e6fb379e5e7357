"""Errors that a user can put right, as one readable line each instead of a traceback."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer

from api.refusals import Refusal
from core.errors import StepbiasError
from stepbias import ClientError
from stepbias.launcher.startup_error import StartupError


@contextmanager
def explained() -> Iterator[None]:
    """Turn an expected error of the block into its sentence on stderr and exit code 1."""
    try:
        yield
    except (ClientError, Refusal, StartupError, StepbiasError, OSError) as error:
        typer.echo(f"stepbias: {_sentence(error)}", err=True)
        raise typer.Exit(1) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, Refusal):
        return _with_places(error.detail, ((fault.pointer, fault.detail) for fault in error.faults))
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _with_places(headline: str, faults: Iterable[tuple[str | None, str]]) -> str:
    return "\n".join([headline, *(f"  {pointer or '(the document)'}: {detail}" for pointer, detail in faults)])
