"""The drills: `python -m tests.drills power --count 100 --seed 0`; 0 if nothing that was promised is missing."""

import argparse
import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from jobs.connection import connect
from stepbias.launcher.store.embedded import embedded_server
from tests.contract.hostile import SMALL_SPEC
from tests.drills import batches, cancel, flips, hostile, power

MOST_TOLD: Final = 20

Drill = Callable[[argparse.Namespace, Path], tuple[list[str], list[str]]]
"""The lines of its report, and what is wrong."""


def _power(options: argparse.Namespace, directory: Path) -> tuple[list[str], list[str]]:
    if (reason := power.unable()) is not None:
        return [f"skipped: {reason}"], []
    drill = power.PowerDrill(directory, seed=options.seed, tails=options.tails, policy=options.appendfsync)
    outcome = drill.run(options.count or 100)
    return list(power.report(outcome)), outcome.complaints


def _batches(options: argparse.Namespace, directory: Path) -> tuple[list[str], list[str]]:
    count = options.count or 200
    outcome = batches.BatchDrill(directory, seed=options.seed).run(count)
    return list(batches.report(outcome)), list(batches.faults_of(outcome, wanted=count))


def _cancel(options: argparse.Namespace, directory: Path) -> tuple[list[str], list[str]]:
    count = options.count or 200
    victims = cancel.victims_of(count, options.seed)
    outcome = cancel.CancelDrill(directory, seed=options.seed).run(waiting=count * 5 // 2, victims=victims)
    return list(cancel.report(outcome)), list(cancel.faults_of(outcome))


def _flips(options: argparse.Namespace, directory: Path) -> tuple[list[str], list[str]]:
    # What is found damaged is logged each time, and that is what happens here all the time.
    logging.disable(logging.ERROR)
    with embedded_server(directory) as (server, _), connect(server.url, patience=5.0) as client:
        findings = flips.flips(client, options.count or 100, options.seed)
    return list(flips.report(findings)), findings.complaints


def _hostile(options: argparse.Namespace, directory: Path) -> tuple[list[str], list[str]]:
    found = hostile.rounds(directory, options.count or 5, SMALL_SPEC)
    return list(hostile.report(found)), list(hostile.faults_of(found))


DRILLS: Final[Mapping[str, Drill]] = MappingProxyType(
    {"power": _power, "batches": _batches, "cancel": _cancel, "flips": _flips, "hostile": _hostile}
)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("what", choices=list(DRILLS))
    parser.add_argument("--count", type=int, help="how many cuts, batches, cancels, flips of each kind, or rounds")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    parser.add_argument("--appendfsync", choices=["always", "everysec", "no"], help="power: not as the service has it")
    parser.add_argument("--tails", nargs="+", type=power.Tail, default=list(power.PROMISED), help="power: what is left")
    return parser.parse_args()


def main() -> int:
    """Carry a drill out and say what came of it."""
    # So that no server outlives a drill that somebody ends.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _options()
    with tempfile.TemporaryDirectory(prefix="stepbias-drill-") as directory:
        lines, faults = DRILLS[options.what](options, Path(directory))
    for line in [*lines, *faults[:MOST_TOLD], "FAILED" if faults else "PASSED"]:
        click.echo(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
