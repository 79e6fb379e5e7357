"""Completion attacked at length, run by run. `python -m tests.completion_campaign --help`."""

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator

import click

from core.descent.kernel import one_thread
from tests.completion_campaign.campaign import Effort, judged_batch, judgements
from tests.completion_campaign.preset_batch import preset_batch
from tests.completion_campaign.tally import Judgement, Tally


def told(judgement: Judgement) -> str:
    """A line about one completed run."""
    run, end = judgement.trained.run, judgement.continuation
    return (
        f"{judgement.where}; η {run.step_size:.3g}, W {run.warmup_steps}, tolerance {run.completion_tolerance:.0e}, "
        f"{'proof' if judgement.is_proven else 'confirmation'} at step {judgement.trained.steps}: "
        f"estimate {judgement.completion.estimate:.2e}, bound {judgement.completion.bound:.2e}; "
        f"{end.steps} steps on: error {end.error:.2e}, rest {end.rest:.2e}, ηλ {end.threshold:.6f}, kick {end.kick:.0e}"
    )


def attack(batches: Iterable[Iterable[Judgement]], runs: int, tally: Tally, *, verbose: bool) -> None:
    """Until so many runs were completed."""
    for batch in batches:
        for judgement in batch:
            if verbose or judgement.faults:
                click.echo(told(judgement))
            for fault in judgement.faults:
                click.echo(f"    FAULT: {fault}")
        if len(tally.judged) >= runs:
            break


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.completion_campaign", description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="completed runs to judge")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, help="this batch alone, as a line of the report names it")
    parser.add_argument("--preset", help="a tenth of this full preset in place of random runs")
    parser.add_argument("--training", type=float, default=5e8, help="flops for the training of a random run")
    parser.add_argument("--continuation", type=float, default=1e10, help="flops for the continuation of a run")
    parser.add_argument("--verbose", action="store_true", help="a line for every completed run")
    return parser.parse_args()


def main() -> int:
    """Read the command line and attack."""
    options, tally = _options(), Tally()
    effort = Effort(training=options.training, continuation=options.continuation)
    batches: Iterator[Iterator[Judgement]]
    if options.preset is not None:
        batch = preset_batch(options.preset, options.seed, share=0.1)
        batches = iter([judgements(batch, f"--seed {options.seed} --preset {options.preset}", tally, effort)])
    else:
        numbers = itertools.count() if options.batch is None else [options.batch]
        batches = (judged_batch(options.seed, number, tally, effort) for number in numbers)
    with one_thread():
        attack(batches, options.runs, tally, verbose=options.verbose)
    for line in tally.lines():
        click.echo(line)
    return 1 if tally.faulty else 0


if __name__ == "__main__":
    sys.exit(main())
