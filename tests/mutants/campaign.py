"""A campaign: mutants drawn at random, and for each whether a test that executes the changed line notices it."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final, Self

import pytest

from tests.mutants.sites import Mutation, mutated, mutations
from tests.mutants.witnesses import ROOT, Witnesses, selected

PATIENCE: Final = 30.0
"""Seconds that a mutant's tests may take beyond five times what they take without it; longer is a loop without end."""

READERS: Final = ("csv_", "npz_", "reading")

OUTSIDE: Final = ("schemathesis", "xdist", "anyio", "valkey", "cacheprovider", "cov")
"""Plugins of pytest that the core's tests have no use for: importing them is half of what a mutant takes."""

UNCHANGED: Final = -1
"""The number of no change at all."""


class Fate(StrEnum):
    """What became of a mutant: `killed` by a test that failed, or by one that no longer ended."""

    KILLED = "killed"
    ENDLESS = "endless"
    SURVIVED = "survived"
    UNSEEN = "unseen"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One change of one module; `number` counts the changes that the module has room for."""

    path: Path
    number: int
    mutation: Mutation

    @property
    def name(self) -> str:
        """What replays it."""
        return f"{self.path.relative_to(ROOT)}:{self.number}"

    @property
    def told(self) -> str:
        """It, for a reader."""
        mutation = self.mutation
        return f"{self.name} (line {mutation.first_line})  {mutation.before}  →  {mutation.after}"

    @classmethod
    def named(cls, name: str) -> Self:
        """The one that a report names."""
        path, _, number = name.rpartition(":")
        return next(mutant for mutant in cls.all_of([ROOT / path]) if mutant.number == int(number))

    @classmethod
    def all_of(cls, paths: Iterable[Path]) -> Iterator[Self]:
        """Every mutant of these files."""
        for path in paths:
            for number, mutation in enumerate(mutations(path.read_text())):
                yield cls(path=path, number=number, mutation=mutation)


def drawn(packages: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """So many different mutants of these packages, a function of the code and the seed."""
    everything = list(Mutant.all_of(_modules(packages)))
    return random.Random(seed).sample(everything, min(count, len(everything)))


def _modules(packages: Sequence[str]) -> list[Path]:
    """The files of packages, and files that are named as such; what only reads formats is not the numerical core."""
    named = [ROOT / package for package in packages]
    found = [path for place in named for path in ([place] if place.is_file() else place.rglob("*.py"))]
    return sorted(path for path in found if not path.name.startswith(READERS))


def fate(mutant: Mutant, witnesses: Witnesses, budget: float) -> tuple[Fate, int]:
    """Run the tests that execute the changed lines, in a process of their own; also how many there were."""
    lines = range(mutant.mutation.first_line, mutant.mutation.last_line + 1)
    tests = list(selected(witnesses.of(mutant.path, lines), witnesses.seconds, budget))
    if not tests:
        return Fate.UNSEEN, 0
    most = PATIENCE + 5 * sum(witnesses.seconds[test] for test in tests)
    return _fate_under(mutant, tests, most), len(tests)


def _fate_under(mutant: Mutant, tests: Sequence[str], most: float) -> Fate:
    child = os.fork()
    if child == 0:
        os.setsid()
        os._exit(_tested(mutant, tests))
    until = time.monotonic() + most
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return Fate.SURVIVED if os.waitstatus_to_exitcode(status) == pytest.ExitCode.OK else Fate.KILLED
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Fate.ENDLESS


def _tested(mutant: Mutant, tests: Sequence[str]) -> int:
    """The exit code of the tests in this process, where the module is imported with its change."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        sys.meta_path.insert(0, _Finder(mutant))
        left_out = [part for plugin in OUTSIDE for part in ("-p", f"no:{plugin}")]
        return int(pytest.main(["-x", "-q", *left_out, *tests]))
    except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
        return 1


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the changed module, and no other."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        relative = mutant.path.relative_to(ROOT).with_suffix("")
        self._name = ".".join(relative.parts).removesuffix(".__init__")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Its spec."""
        del path, target
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._mutant.path, loader=_Loader(self._mutant))


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles the changed module in the place of the one that is on the disk."""

    def __init__(self, mutant: Mutant) -> None:
        relative = mutant.path.relative_to(ROOT).with_suffix("")
        super().__init__(".".join(relative.parts), str(mutant.path))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        """Its code."""
        del fullname
        tree = mutated(self._mutant.path.read_text(), self._mutant.number)
        code: CodeType = compile(tree, str(self._mutant.path), "exec", dont_inherit=True)
        return code
