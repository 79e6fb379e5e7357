"""The command as a shell runs it."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

STEPBIAS = [sys.executable, "-m", "stepbias"]


def _run(*words: str | bytes, **options: object) -> subprocess.CompletedProcess[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run([*STEPBIAS, *words], text=True, check=False, **streams)  # type: ignore[call-overload,no-any-return]  # options of any kind


def test_the_package_is_the_command() -> None:
    """By the name of the command."""
    done = _run("--version")
    assert (done.returncode, done.stdout) == (0, f"stepbias {version('stepbias')}\n")
    assert _run("--help").stdout.startswith("Usage: stepbias ")


@pytest.mark.parametrize("words", [("watch", b"\xff"), ("rename", "e1", b"a\xff"), ("upload", b"\xff.csv")])
def test_an_argument_that_is_no_text_is_named_by_its_place(words: tuple[str | bytes, ...]) -> None:
    """It is misuse, and nothing is asked of any service."""
    done = _run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"stepbias: argument {len(words)} is not UTF-8\n"


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("fetch", "--help")])
def test_a_reader_who_leaves_is_no_error(words: tuple[str, ...]) -> None:
    """The command ends without a word, as one that SIGPIPE has ended."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = _run(*words, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")  # noqa: PTH110 - no file
def test_output_that_finds_no_room_is_one_sentence() -> None:
    """And exit code 1."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = _run("--version", stdout=full)
    assert (done.returncode, done.stderr) == (
        1,
        "stepbias: the output cannot be written: No space left on device\n",
    )


def test_an_error_that_is_not_of_the_output_keeps_its_traceback() -> None:
    """It is for a bug report, and no sentence about something else."""
    program = "import sys; sys.argv[1:] = ['x']; from stepbias.cli.command import Application\n"
    program += "app = Application('app')\napp.command('x')(lambda: open('/nowhere/at/all'))\napp()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("No such file or directory: '/nowhere/at/all'")
    assert "Traceback" in done.stderr


def test_a_closed_stdin_is_no_spec() -> None:
    """One sentence, before anything is asked."""
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m stepbias run - <&-"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "stepbias: stdin is closed: give the spec as a file\n")


def test_output_in_another_encoding_lacks_no_word() -> None:
    """What it cannot say is written by its code point."""
    program = "import sys; sys.argv[1:] = ['x']; from stepbias.cli.command import Application\n"
    program += "app = Application('app')\napp.command('x')(lambda: print('näher η'))\napp()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert done.stdout == b"n\\xe4her \\u03b7\n"
