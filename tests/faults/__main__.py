"""A campaign of faults against the real service. `python -m tests.faults --help`."""

import argparse
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from core.descent.kernel import chosen, kernel_id
from jobs.settings import Settings
from tests.faults.campaign import Campaign, Orders
from tests.faults.fake_clock import library
from tests.faults.faults import KINDS, Mode, kinds_of, sequence
from tests.faults.report import faults_of, figures, table

MOST_TOLD: Final = 40

SETTINGS: Final = {"STEPBIAS_CHECKPOINT_SECONDS": "0.5"}
"""The service's own but for this: no job of a campaign takes as long as it is to the first checkpoint by default."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="gives the faults, and what the clients submit")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.ALL)
    parser.add_argument("--minutes", type=float, help="spread the faults over so many, or more where they take longer")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), help="these kinds in place of those of the mode")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--period", type=float, default=0.8, help="seconds between two submissions of a client")
    parser.add_argument("--out", type=Path, default=Path("out/faults"), help="emptied first")
    return parser.parse_args()


def _orders(options: argparse.Namespace) -> Orders:
    faults = sequence(options.kinds or _kinds_here(options.mode), options.faults, options.seed)
    return Orders(
        faults=faults,
        seed=options.seed,
        pace=(options.minutes or 0.0) * 60 / options.faults,
        is_storm=options.mode is Mode.STORM,
        workers=options.workers,
        settings=SETTINGS,
        period=options.period,
        has_proxy=any(KINDS[fault.kind].group == "network" for fault in faults),
        faketime=library() if any(KINDS[fault.kind].group == "clock" for fault in faults) else None,
    )


def told(faults: Sequence[str]) -> list[str]:
    """What is wrong, at most so many lines of it."""
    more = len(faults) - MOST_TOLD
    return [*faults[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]


def _commit() -> str:
    """What to check out for the same again."""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=12")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def _kinds_here(mode: Mode) -> list[str]:
    """The kinds of the mode that this machine can do."""
    kinds = kinds_of(mode)
    if library() is None and any(KINDS[kind].group == "clock" for kind in kinds):
        click.echo("no libfaketime here (package faketime): the server's clock is left alone")
        return [kind for kind in kinds if KINDS[kind].group != "clock"]
    return kinds


def main() -> int:
    """Read the command line, and carry the campaign out; 0 if nothing is wrong."""
    # So that the service does not outlive a campaign that somebody ends.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _options()
    directory = options.out.absolute()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    orders = _orders(options)
    click.echo(
        f"{len(orders.faults)} faults, mode {options.mode}, seed {options.seed}; logs in {options.out}; "
        f"{kernel_id(chosen('auto'))}, commit {_commit()}"
    )
    outcome = Campaign(orders, directory, click.echo).run()
    faults = faults_of(outcome, planned=len(orders.faults), standstill=Settings().lease_seconds + 10.0)
    for line in [*table(outcome.strikes), *figures(outcome), *told(faults), "FAILED" if faults else "PASSED"]:
        click.echo(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
