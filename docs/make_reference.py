"""Renew the tables of the pages from the tables of the code; `--check` only says whether they are up to date.

A table stands between `<!-- NAME -->` and `<!-- end -->`.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from api.problems.explained import every_error
from core.figures.layouts.catalogue import FIGURES
from core.outcome import Outcome
from core.presets import PRESETS
from core.results.labelled_arrays import Meaning
from core.results.problem_arrays import DATA, INTERPOLATORS
from core.results.run_arrays import END, TRAJECTORY, VECTORS
from core.results.variables import COORDINATES, VARIABLES, Variable
from core.spec.axes import AXIS_NAMES
from core.spec.experiment_spec import KINDS
from core.spec.optimizers import RELATIVE_AXES
from core.sweep.grid import Grid
from jobs.settings import Settings

DOCS: Final = Path(__file__).parent


def table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (tuple(head.split(", ")), *rows)]
    texts = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([texts[0], "|" + "---|" * len(lines[0]), *texts[1:]])


def quantities(variables: Iterable[Variable]) -> Iterable[tuple[str, ...]]:
    """Name, symbol and meaning."""
    return ((f"`{variable.name}`", variable.symbol, variable.description) for variable in variables)


def axes() -> Iterable[tuple[str, ...]]:
    """Each axis with the field of a spec that it is swept by."""
    named_otherwise = AXIS_NAMES
    fields = ((part, field) for part, kinds in KINDS.items() for each in kinds.values() for field in each.model_fields)
    places = {named_otherwise.get(place, place[1]): ".".join(place) for place in fields}
    places |= dict.fromkeys(RELATIVE_AXES, places["step_size"])
    rows = ((each, places[each.name]) for each in COORDINATES.values())
    return ((f"`{each.name}`", f"`{place}`", each.symbol, each.description) for each, place in rows)


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


def words(variables: Iterable[Variable]) -> str:
    """Name, symbol and the words of an axis label."""
    rows = ((f"`{known.name}`", known.symbol, known.label) for known in variables if known.alias_of is None)
    return table("name, symbol, in words", rows)


def problems() -> Iterable[tuple[str, ...]]:
    """Each kind of problem with its status, and when it is answered."""
    for slug, error in every_error().items():
        yield f"`{slug}`", str(error.status), " ".join(error.meanings)


REFERENCE: Final[dict[str, Callable[[], str]]] = {
    "variables": lambda: table("name, symbol, meaning", quantities(VARIABLES.values())),
    "axes": lambda: table("axis, in a spec, symbol, meaning", axes()),
    "outcomes": lambda: table("outcome, meaning", ((f"`{outcome}`", outcome.meaning) for outcome in Outcome)),
    "trajectory": lambda: arrays(TRAJECTORY),
    "vectors": lambda: arrays(VECTORS),
    "end-state": lambda: arrays(END),
    "problems": lambda: table("problem, status, when", problems()),
    "data": lambda: arrays(DATA),
    "interpolators": lambda: arrays(INTERPOLATORS),
    "settings": lambda: table("variable, default, meaning", settings()),
    "presets": lambda: table("preset, what it shows, runs, figures", presets()),
    "figures": lambda: table("figure, what it shows", ((f"`{kind.name}`", kind.title) for kind in FIGURES.values())),
}


GLOSSARY: Final[dict[str, Callable[[], str]]] = {
    "variable words": lambda: words(VARIABLES.values()),
    "axis words": lambda: words(COORDINATES.values()),
    "outcome words": lambda: table("outcome, meaning", ((f"`{outcome}`", outcome.meaning) for outcome in Outcome)),
}

PAGES: Final = {"reference.md": REFERENCE, "glossary.md": GLOSSARY}


def renewed(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The text with every table as it should be.

    Raises:
        SystemExit: the text has no place for a table.
    """
    for name, make in tables.items():
        start, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, found, rest = text.partition(start)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise SystemExit(f"a page has no place for the table {name}")
        text = before + start + make() + "\n" + end + after
    return text


def main() -> None:
    """Write the tables anew, or complain that they are not up to date."""
    for name, tables in PAGES.items():
        page = DOCS / name
        text = page.read_text(encoding="utf-8")
        fresh = renewed(text, tables)
        if "--check" in sys.argv[1:] and fresh != text:
            raise SystemExit(f"docs/{name} is not up to date: run make docs")
        page.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
