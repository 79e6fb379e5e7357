"""A page and the reader who types it: every block in its order, in a directory of its own, with what it needs."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from sybil import Document
from sybil.evaluators.skip import Skipper
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from tests.conftest import free_port
from tests.docs.test_named_places import ROOT

TYPED: Final = "typed by tests/operation"
"""How the reason in a page's mark begins of a block that is run here and not among the other pages."""

FOREIGN: Final = ("STEPBIAS_", "XDG_", "VIRTUAL_ENV", "PYTHONPATH", "OMP_", "OPENBLAS_NUM", "COVERAGE_", "PYTEST_")
"""What begins so in the environment is of this run, and not of the reader's machine."""

_STAYS: Final = re.compile(r"^(?:export|cd|umask) .*", re.MULTILINE)
"""What a terminal remembers for the next block."""

_RUNS_ON: Final = re.compile(r"(?:[A-Z_]+=\S+ )*stepbias (?:up|serve (?:api|worker))\b(?!.*(?:--help|\|\||&&)).*")
"""A last line that runs until it is stopped."""

PATIENCE: Final = 120.0
"""Seconds until a service is ready."""

LONGEST: Final = 1500.0
"""Seconds for what ends by itself: to compile the kernel is a minute, and more on a machine that is at work."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """What is typed at once; `why_not` says why it is not, for readers of other machines."""

    text: str
    line: int
    why_not: str | None = None


def blocks(page: str) -> list[Block]:
    """The shell's blocks of a page of the guides."""
    path = ROOT / "docs" / "how-to" / page
    document = Document(path.read_text(encoding="utf-8"), str(path))
    for parser in (SkipParser(), CodeBlockParser("sh", lambda _: None)):
        for region in parser(document):
            document.add(region)
    found: list[Block] = []
    reason = ""
    for example in document:
        if isinstance(example.region.evaluator, Skipper):
            reason = str(example.parsed[1]).strip('"')
        else:
            why_not = None if not reason or reason.startswith(TYPED) else reason
            found.append(Block(text=example.parsed, line=example.line, why_not=why_not))
            reason = ""
    return found


def typed(page: str) -> list[Block]:
    """Those that are typed here."""
    return [each for each in blocks(page) if each.why_not is None]


@dataclass
class Reader:
    """Somebody with a home directory, whose shell finds the command; ports of the page are free ones here.

    `words` are what stands in the page for what only the reader knows, such as `ID`.
    """

    home: Path
    ports: dict[str, str] = field(default_factory=lambda: {"8000": str(free_port()), "8001": str(free_port())})
    words: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    _remembered: list[str] = field(default_factory=list)
    _running: ExitStack = field(default_factory=ExitStack)
    _logs: list[Path] = field(default_factory=list)

    def __enter__(self) -> Self:
        """With an empty home."""
        self.home.mkdir(exist_ok=True)
        ours = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = ours | {"HOME": str(self.home), "PATH": path, "STEPBIAS_URL": self.url()} | self.environment
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever still runs is ended."""
        self._running.close()

    def url(self, port: str = "8000") -> str:
        """Where the service answers that the page has at this port."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def type(self, block: Block) -> str:
        """What it printed. A block whose last line runs on is left running, as in a terminal of its own.

        Raises:
            AssertionError: it failed; with what it printed.
        """
        text = self._meant(block.text)
        *first, last = text.strip().splitlines()
        if not _RUNS_ON.fullmatch(last.strip().removesuffix("&").strip()):
            return self._typed(text, block)
        if first:
            self._typed("\n".join(first), block)
        self._running.enter_context(self._runs_on(last.strip().removesuffix("&").strip(), block))
        return ""

    def _meant(self, text: str) -> str:
        for word, meant in {**self.ports, **self.words}.items():
            text = re.sub(rf"\b{re.escape(word)}\b", meant.replace("\\", r"\\"), text)
        return text

    def _typed(self, text: str, block: Block) -> str:
        script = "\n".join(["set -eu", *self._remembered, "set -x", text])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        where = f"line {block.line} of the page: exit code {done.returncode}"
        assert done.returncode == 0, f"{where}\n{done.stdout}{done.stderr}\n{self.logs()}"
        self._remembered += _STAYS.findall(text)
        return done.stdout + done.stderr

    @contextmanager
    def _runs_on(self, line: str, block: Block) -> Iterator[None]:
        script = "\n".join(["set -eu", *self._remembered, f"exec env {line}"])
        log = self.home.parent / f"terminal-{len(self._logs)}.log"
        self._logs.append(log)
        with log.open("wb") as output:
            terminal = subprocess.Popen(
                ["bash", "-c", script], cwd=self.home, env=self.environment, stdout=output, stderr=output
            )
        try:
            self._await_ready(line, terminal, log, block)
            yield
        finally:
            if terminal.poll() is None:
                terminal.send_signal(signal.SIGTERM)
                try:
                    terminal.wait(60)
                except subprocess.TimeoutExpired:
                    terminal.kill()

    def _await_ready(self, line: str, terminal: "subprocess.Popen[bytes]", log: Path, block: Block) -> None:
        """`up` says so; of a process of `serve` the page's next block asks."""
        deadline = time.monotonic() + PATIENCE
        while line.startswith("stepbias up") and "is ready at" not in log.read_text(errors="replace"):
            told = f"line {block.line}: {log.read_text(errors='replace')}\n{self.logs()}"
            assert terminal.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.05)

    def logs(self) -> str:
        """The ends of what is told by what runs on."""
        files = [*self._logs, *self.home.rglob("log/*.log")]
        return "\n".join(f"== {file}\n{file.read_text(errors='replace')[-2000:]}" for file in files)


def read(reader: Reader, page: Sequence[Block]) -> list[str]:
    """Type the blocks of a page, one after the other; what each printed."""
    return [reader.type(block) for block in page]


def files_under(directory: Path) -> set[str]:
    """Everything that is there, by its name."""
    return {each.relative_to(directory).as_posix() for each in directory.rglob("*")}
