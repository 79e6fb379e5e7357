"""The command as a shell runs it: what it is given in, and whom it writes to."""

import errno
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import click

from stepbias.cli.output import remark

BROKEN_PIPE: Final = 141
"""Exit code of a command whose reader has left, as shells have it: 128 and the number of SIGPIPE."""


_OF_OUTPUT: Final = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a stream that is written to may answer; any other error is for a bug report."""


INTERRUPTED: Final = 130
"""Exit code of a command ended by Ctrl-C, as shells have it."""

EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 not done, as a sentence on stderr says; 2 misuse of the command; "
    "130 ended by Ctrl-C; 141 the reader of the output has left."
)


class Coded(click.Command):
    """A command whose answer is its exit code."""

    def get_short_help_str(self, limit: int = 120) -> str:
        """Its first sentence, and all of it."""
        return super().get_short_help_str(max(limit, 120))

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, and end with its code."""
        try:
            code = super().invoke(ctx)
        except KeyboardInterrupt:
            code = INTERRUPTED
        ctx.exit(code or 0)


class Group(click.Group):
    """Commands in the order in which they are defined."""

    command_class = Coded

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature of click
        """Their names."""
        return list(self.commands)


class Application(Group):
    """All commands: it ends in a sentence where its arguments are no text, or its output cannot be written."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run the command, and leave the process."""
        _require_text(sys.argv[1:])
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        warnings.showwarning = _warn
        sys.exit(_status(lambda: super(Application, self).__call__(*args, **options)))


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """In a sentence: a person has no use for the line of code that it comes from."""
    _say(str(message))


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
    # Click has put this in its place where the reader has left. A worker puts there what writes to its log.
    if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):
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
        remark(f"stepbias: {sentence}")
