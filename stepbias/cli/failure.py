"""Errors that a user can put right, as one readable line each instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from click.exceptions import Exit

from stepbias.cli.output import remark
from stepbias.errors import StepbiasError


@contextmanager
def explained(*expected: type[Exception]) -> Iterator[None]:
    """Turn an expected error of the block into its sentence on stderr and exit code 1.

    Args:
        expected: errors that a user can put right, besides those of the client and of files.
    """
    try:
        yield
    except BrokenPipeError:
        # Whoever reads has read enough.
        raise
    except Exception as error:
        if not isinstance(error, (StepbiasError, OSError, *expected)):
            raise
        remark(f"stepbias: {_sentence(error)}")
        raise Exit(1) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
