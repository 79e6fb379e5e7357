"""Renew the tables of `reference.md` from the tables of the code; `--check` only says whether they are up to date.

A table stands between `<!-- NAME -->` and `<!-- end -->`.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from core.figures.layouts.catalogue import FIGURES
from core.outcome import Outcome
from core.presets import PRESETS
from core.results.labelled_arrays import Meaning
from core.results.problem_arrays import DATA, INTERPOLATORS
from core.results.run_arrays import END, TRAJECTORY
from core.results.variables import COORDINATES, VARIABLES, Variable
from core.sweep.grid import Grid
from jobs.settings import Settings

REFERENCE: Final = Path(__file__).with_name("reference.md")


def table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (tuple(head.split(", ")), *rows)]
    texts = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([texts[0], "|" + "---|" * len(lines[0]), *texts[1:]])


def quantities(variables: Iterable[Variable]) -> Iterable[tuple[str, ...]]:
    """Name, symbol and meaning."""
    return ((f"`{variable.name}`", variable.symbol, variable.description) for variable in variables)


def arrays(meanings: Mapping[str, Meaning]) -> str:
    """Name, dimensions, symbol and meaning of the arrays of one address."""
    rows = ((f"`{name}`", ", ".join(each.dims), each.symbol, each.description) for name, each in meanings.items())
    return table("array, dimensions, symbol, meaning", rows)


def settings() -> Iterable[tuple[str, ...]]:
    """Each setting with its default."""
    for name, field in Settings.model_fields.items():
        value = field.default
        default = "none" if value is None else f"`{value}`" if isinstance(value, str) else f"`{value:.12g}`"
        yield f"`STEPBIAS_{name.upper()}`", default, field.description or ""


def presets() -> Iterable[tuple[str, ...]]:
    """Each preset with the runs of its sizes and the figures that show it."""
    for known in PRESETS.values():
        sizes = ", ".join(f"{size} {len(Grid(spec))}" for size, spec in known.sizes.items())
        yield f"`{known.name}`", known.title, sizes, ", ".join(f"`{name}`" for name in known.figures)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "variables": lambda: table("name, symbol, meaning", quantities(VARIABLES.values())),
    "axes": lambda: table("axis, symbol, meaning", quantities(COORDINATES.values())),
    "outcomes": lambda: table("outcome, meaning", ((f"`{outcome}`", outcome.meaning) for outcome in Outcome)),
    "trajectory": lambda: arrays(TRAJECTORY),
    "end-state": lambda: arrays(END),
    "data": lambda: arrays(DATA),
    "interpolators": lambda: arrays(INTERPOLATORS),
    "settings": lambda: table("variable, default, meaning", settings()),
    "presets": lambda: table("preset, what it shows, runs, figures", presets()),
    "figures": lambda: table("figure, what it shows", ((f"`{kind.name}`", kind.title) for kind in FIGURES.values())),
}


def renewed(text: str) -> str:
    """The text with every table as it should be."""
    for name, make in TABLES.items():
        start, end = f"<!-- {name} -->\n", "\n<!-- end -->"
        before, found, rest = text.partition(start)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise SystemExit(f"reference.md has no place for the table {name}")
        text = before + start + make() + end + after
    return text


def main() -> None:
    """Write the reference anew, or complain that it is not up to date."""
    text = REFERENCE.read_text(encoding="utf-8")
    fresh = renewed(text)
    if "--check" in sys.argv[1:] and fresh != text:
        raise SystemExit("docs/reference.md is not up to date: run make docs")
    REFERENCE.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
