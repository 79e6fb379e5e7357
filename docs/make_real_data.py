"""Renew the tables of docs/how-to/your-own-data.md: every run is trained anew, in some seconds.

Run from the root as `python -m docs.make_real_data`, or by `make real-data`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.results.explanation import explanation
from docs.make_reference import renewed, table
from tests.real_data.real_data import TRAINED, TRANSFORMS, RealRun, analysed, runs

PAGE: Final = Path(__file__).parent / "how-to" / "your-own-data.md"

UNITS: Final = {
    "step_size_fraction": "η*",
    "start_step_multiple": "η_start",
    "least_norm_step_multiple": "η_ℓ2",
    "flow_step_multiple": "η_flow",
}


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else "–"


def _data_sets() -> Iterator[tuple[str, ...]]:
    for name in TRAINED:
        for transform in TRANSFORMS:
            known = analysed(name, transform)
            start, flow, largest = known.start_stable_step, known.flow_stable_step, known.max_stable_step
            steps = (start, flow, known.least_norm_stable_step, largest)
            gain = "–" if known.expected_gain is None else f"{known.expected_gain:.0%}"
            shape = (f"{known.samples} × {known.dimension}", str(known.rank))
            uneven = (_number(known.mean_share), _number(known.column_scale_ratio))
            yield name, transform, *shape, *uneven, *map(_number, steps), gain, known.regime


def _runs() -> Iterator[tuple[str, ...]]:
    for name in TRAINED:
        for transform in TRANSFORMS:
            yield from (_run(each) for each in runs(name, transform))


def _run(each: RealRun) -> tuple[str, ...]:
    step = f"{each.multiple:g} {UNITS[each.unit]}"
    loss = _number(each.summary["test_loss"])
    return each.data, each.transform, step, f"`{each.summary['outcome']}`", loss, explanation(each.summary)


def main() -> None:
    """Write the tables anew."""
    head = "data, transform, N × d, rank, mean share, column ratio, η_start, η_flow, η_ℓ2, η*, gain, regime"
    tables = {
        "real data sets": lambda: table(head, _data_sets()),
        "real runs": lambda: table("data, transform, η, outcome, held-out loss, explanation", _runs()),
    }
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
