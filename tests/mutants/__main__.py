"""Put faults into the numerical core, one at a time, and see whether a test notices: `python -m tests.mutants`."""

import argparse
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

# Before NumPy is imported, for all children.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import click

from tests.mutants.campaign import UNCHANGED, Fate, Mutant, drawn, fate
from tests.mutants.witnesses import ROOT, Witnesses

CORE = [
    f"core/{name}"
    for name in (
        *("data", "networks", "descent", "training", "completion", "stability", "implicit_bias", "interpolators"),
        *("analysis", "report"),
    )
]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60, help="of tests that a mutant may stand")
    parser.add_argument("--tests", nargs="+", default=["tests/core"])
    parser.add_argument("--packages", nargs="+", default=CORE)
    parser.add_argument("--only", nargs="+", help="these mutants, as a report names them")
    parser.add_argument("--map", type=Path, default=ROOT / ".mutants", help="where it is kept which test executes what")
    return parser.parse_args()


def main() -> int:
    """Read the command line, and attack."""
    options = _options()
    witnesses = Witnesses.found(options.map, options.tests)
    _import_the_heavy()
    if options.only:
        mutants = [Mutant.named(name) for name in options.only]
    else:
        mutants = drawn(options.packages, options.mutants, options.seed)
    _check_the_unchanged(mutants[0], witnesses, options.seconds)
    found: Counter[Fate] = Counter()
    for number, mutant in enumerate(mutants, 1):
        what, tests = fate(mutant, witnesses, options.seconds)
        found[what] += 1
        click.echo(f"{number}/{len(mutants)} {what.value} ({tests} tests): {mutant.told}")
    noticed = found[Fate.KILLED] + found[Fate.ENDLESS]
    click.echo(f"{noticed} of {len(mutants)} mutants noticed ({noticed / len(mutants):.1%}); {dict(found)}")
    return 0


def _check_the_unchanged(mutant: Mutant, witnesses: Witnesses, seconds: float) -> None:
    """Tests that fail without any change would kill every mutant."""
    unchanged = replace(mutant, number=UNCHANGED)
    what, tests = fate(unchanged, witnesses, seconds)
    if what is not Fate.SURVIVED:
        sys.exit(f"{tests} tests of {mutant.path.name} are to pass where nothing is changed: {what.value}")


def _import_the_heavy() -> None:
    """Once for all mutants: what the tests import, and is neither ours nor a plugin of pytest."""
    for name in (
        "numpy",
        "scipy.linalg",
        "scipy.optimize",
        "scipy.special",
        "scipy.integrate",
        "pydantic",
        "redis",
        "valkey",
    ):
        __import__(name)


if __name__ == "__main__":
    sys.exit(main())
