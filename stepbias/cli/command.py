"""The command as a shell runs it: what it is given in, and whom it writes to."""

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import typer
from typing_extensions import override  # in typing itself from Python 3.12 on

BROKEN_PIPE: Final = 141
"""Exit code of a command whose reader has left, as shells have it: 128 and the number of SIGPIPE."""


_OF_OUTPUT: Final = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a stream that is written to may answer; any other error is for a bug report."""


class Command(typer.Typer):
    """An application that ends in a sentence where its arguments are no text, or its output cannot be written."""

    @override
    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run the command, and leave the process."""
        _require_text(sys.argv[1:])
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        sys.exit(_status(lambda: super(Command, self).__call__(*args, **options)))


def _require_text(arguments: Sequence[str]) -> None:
    for place, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            _say(f"argument {place} is not UTF-8")
            sys.exit(2)


def _status(run: Callable[[], object]) -> Any:
    """The exit code, after all that was printed has been written."""
    code: Any = 0
    try:
        code = _code(run)
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in _OF_OUTPUT:
            raise
        code = BROKEN_PIPE if isinstance(error, BrokenPipeError) else code or _complain(error)
        _mute()
    # Typer has put this in its place where the reader has left. A worker puts there what writes to its log.
    if type(sys.stdout).__name__ == "PacifyFlushWrapper":
        _mute()
        return BROKEN_PIPE
    return code


def _code(run: Callable[[], object]) -> Any:
    try:
        run()
    except SystemExit as ended:
        return ended.code
    return 0


def _complain(error: OSError) -> int:
    _say(f"the output cannot be written: {error.strerror}")
    return 1


def _mute() -> None:
    """Let what is left go nowhere, so that Python does not try again on its way out."""
    if sys.__stdout__ is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())


def _say(sentence: str) -> None:
    with suppress(OSError):
        typer.echo(f"stepbias: {sentence}", err=True)
