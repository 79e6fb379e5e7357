"""Random lives of the two stores, other ones each time: `python -m tests.jobs.many_lives --help`."""

import argparse
import logging
import os
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Final

import click
import hypothesis.core
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import free_port, running_valkey
from tests.jobs.test_stores_agree import BothStores

AT_ONCE: Final = 50


def lives(seed: int, steps: int) -> str | None:
    """What went wrong in lives of one seed, each of so many steps."""
    logging.disable(logging.CRITICAL)
    hypothesis.core.global_force_seed = seed
    with tempfile.TemporaryDirectory() as directory, running_valkey(Path(directory), free_port()) as url:
        try:
            run_state_machine_as_test(
                type("OnThisServer", (BothStores,), {"url": url}),
                settings=settings(
                    max_examples=AT_ONCE,
                    stateful_step_count=steps,
                    deadline=None,
                    derandomize=False,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed leads back to it
            # Whole: what fails once and not again is told by nothing but the errors inside.
            return "\n".join([f"seed {seed}:", *traceback.format_exception(error)])
    return None


def main() -> int:
    """Live, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.jobs.many_lives", description=__doc__)
    parser.add_argument("--lives", type=int, default=10_000, help=f"how many, {AT_ONCE} to a seed")
    parser.add_argument("--steps", type=int, default=50, help="in each life")
    parser.add_argument("--first", type=int, default=time.time_ns() // 10**9, help="the first seed; the time of day")
    arguments = parser.parse_args()
    begun, wrong = time.monotonic(), 0
    seeds = range(arguments.first, arguments.first + -(-arguments.lives // AT_ONCE))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for done, found in enumerate(pool.map(lives, seeds, repeat(arguments.steps)), 1):
            if found:
                wrong += 1
                click.echo(found)
            if done % 4 == 0 or done == len(seeds):
                click.echo(
                    f"{done * AT_ONCE} lives of {arguments.steps} steps from seed {arguments.first} in "
                    f"{time.monotonic() - begun:.0f} s, {wrong} seeds went wrong"
                )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
