"""Many lives, on all cores: `python -m tests.simulation --help`."""

import argparse
import gc
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import click

from tests.simulation.world import World

AT_ONCE: Final = 50


def lives(first: int, count: int) -> list[str]:
    """What went wrong in lives of consecutive seeds."""
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.set_threshold(50_000)
    found = []
    for seed in range(first, first + count):
        try:
            World(seed).live()
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed leads back to it
            found.append(f"seed {seed}: {type(error).__name__}: {error}")
    return found


def main() -> int:
    """Live, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many lives")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    begun, wrong = time.monotonic(), 0
    starts = range(arguments.first, arguments.first + arguments.seeds, AT_ONCE)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for done, found in enumerate(pool.map(lives, starts, [AT_ONCE] * len(starts)), 1):
            wrong += len(found)
            for each in found:
                click.echo(each)
            if done % 20 == 0:
                click.echo(f"{done * AT_ONCE} lives in {time.monotonic() - begun:.0f} s, {wrong} went wrong")
    click.echo(f"{len(starts) * AT_ONCE} lives in {time.monotonic() - begun:.0f} s, {wrong} went wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
