"""Renew the table of docs/nasty-specs.md: every nasty spec is trained anew, and held against a plain loop.

Run from the root as `python -m docs.make_nasty`, or by `make nasty`; it takes some ten minutes of one core.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import numpy as np

from docs.make_reference import renewed, table
from tests.nasty.judge import Judged, judged
from tests.nasty.specs import NASTY

PAGE: Final = Path(__file__).parent / "nasty-specs.md"
STEPS: Final = 200_000


def _optimizer(each: Judged) -> str:
    spec, words = each.case.spec, []
    if spec.momentum:
        words.append(f"{'Nesterov ' if spec.looks_ahead else ''}momentum {spec.momentum:g}")
    if spec.rho:
        kind = "1-SAM" if spec.optimizer.get("ascent") == "sample" else "n-SAM"
        words.append(f"{kind}{', normalised' if spec.optimizer.get('normalized') else ''}, ρ {spec.rho:g}")
    if spec.noise_deviation:
        words.append(f"noise on parameters, variance {spec.optimizer['variance']:g}")
    if spec.batch_size:
        words.append(f"minibatches of {spec.batch_size}")
    if spec.warmup_steps:
        words.append(f"warm-up {spec.warmup_steps}")
    return ", ".join(words) or "descent"


def _loop(each: Judged) -> str:
    losses, case = each.case.path.losses, each.case
    gone = np.flatnonzero(~(losses <= 1e12 * max(losses[0], case.zero_loss)))
    if gone.size:
        return f"overflows by step {64 * int(gone[0])}"
    least = f", least squares {case.least_loss:.3g}" if case.least_loss else ""
    return f"loss {losses[0]:.3g} → {losses[-1]:.3g}{least}"


def _rows(found: Sequence[Judged]) -> Iterator[tuple[str, ...]]:
    for each in found:
        spec, summary = each.case.spec, each.case.summary
        shape = f"{spec.X.shape[0]} × {spec.X.shape[1]}"
        how = (str(spec.depth), f"{spec.scale:g}", f"{spec.step_size:.3g}", _optimizer(each))
        ended = f"`{summary['outcome']}` after {summary['steps']}"
        true = f"{len(each.statements) - len(each.faults)} of {len(each.statements)}"
        yield (spec.name, shape, *how, ended, _loop(each), each.text, true)


def main() -> int:
    """Write the table anew; 1 where a statement is not true."""
    found = judged(NASTY, STEPS)
    head = "data, N × d, D, α, η, steps, outcome, the loop, explanation, statements true"
    count, faults = sum(len(each.statements) for each in found), [fault for each in found for fault in each.faults]
    summary = f"{len(found)} specs, {count} statements, {count - len(faults)} of them true."
    tables = {"nasty specs": lambda: f"{summary}\n\n{table(head, _rows(found))}"}
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")
    for fault in faults:
        click.echo(f"{fault.text}: {fault.fault}")
    click.echo(summary)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
