"""Which tests execute a line, and how long each takes: found once by running them all under coverage."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import pytest
from coverage import CoverageData

ROOT: Final = Path(__file__).parents[2]

DURATIONS: Final = "durations.json"
COVERAGE: Final = "coverage"


@dataclass(frozen=True, kw_only=True, slots=True)
class Witnesses:
    """The tests by the lines that they execute, and the `seconds` of each."""

    coverage: CoverageData
    seconds: Mapping[str, float]

    @classmethod
    def found(cls, directory: Path, tests: Sequence[str]) -> Self:
        """Those of these tests, by running them, unless the directory has them already."""
        if not (directory / DURATIONS).exists():
            directory.mkdir(parents=True, exist_ok=True)
            _run_covered(directory, tests)
        coverage = CoverageData(basename=str(directory / COVERAGE))
        coverage.read()
        return cls(coverage=coverage, seconds=json.loads((directory / DURATIONS).read_text()))

    def of(self, path: Path, lines: range) -> list[str]:
        """The tests that execute one of these lines.

        Where they are executed by importing the file alone, those that execute any line of it, and its own tests. First
        those of the file's own tests, then the others; the quicker ones first.
        """
        by_line, own = self.coverage.contexts_by_lineno(str(path)), f"/test_{path.stem}.py::"
        tests = self._named(by_line.get(line, ()) for line in lines)
        if not tests:
            tests = self._named(by_line.values()) | {test for test in self.seconds if own in test}
        return sorted(tests, key=lambda test: (own not in test, self.seconds[test], test))

    def _named(self, contexts: Iterable[Iterable[str]]) -> set[str]:
        """The tests among the contexts of coverage, which tell preparation, run and end of a test apart."""
        return {context.partition("|")[0] for found in contexts for context in found} & self.seconds.keys()


def _run_covered(directory: Path, tests: Sequence[str]) -> None:
    config = directory / "coveragerc"
    config.write_text(f"[run]\nsource = core\ndata_file = {directory / COVERAGE}\n")
    options = ["--cov", f"--cov-config={config}", "--cov-context=test", "--cov-report=", "-q", "--timeout=0"]
    plugin = ["-p", "tests.mutants.durations", f"--durations-to={directory / DURATIONS}"]
    subprocess.run([sys.executable, "-m", "pytest", "-n", "2", *options, *plugin, *tests], cwd=ROOT, check=True)


def selected(tests: Sequence[str], seconds: Mapping[str, float], budget: float) -> Iterator[str]:
    """As many tests as take no longer than so many seconds, one at least."""
    spent = 0.0
    for test in tests:
        if spent and spent + seconds[test] > budget:
            continue
        spent += seconds[test]
        yield test


class Durations:
    """Keeps the seconds of every test that passed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test, its preparation and its end take."""
        if not report.skipped:
            self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self) -> None:
        """Write what was noted."""
        if self._seconds:
            self._path.write_text(json.dumps(self._seconds))
