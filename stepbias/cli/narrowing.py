"""Curves of which only some values of x, or some lines, are wanted."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from stepbias.cli.choosing import Condition
from stepbias.cli.output import remark
from stepbias.errors import StepbiasError

_FAMILIES: Final = ("curves", "flow_limits", "kernel_limits")


def narrowed(document: Mapping[str, Any], wanted: Sequence[Condition]) -> dict[str, Any]:
    """The curves at the values of x and of the series of which all of it holds.

    Raises:
        StepbiasError: it is about neither.
    """
    x, series = document["x"], document["series"]
    _require_shown([each["name"] for each in (x, series) if each], wanted)
    kept = [place for place, value in enumerate(x["values"]) if _holds({x["name"]: value}, wanted)]
    result = dict(document) | {"x": x | {"values": [x["values"][place] for place in kept]}}
    for family in (*_FAMILIES, "baselines"):
        lines = [line for line in document[family] if _line_holds(series, line, wanted)]
        result[family] = lines if family == "baselines" else [_at(line, kept) for line in lines]
    if not kept or not result["curves"]:
        remark(f"--where {' and '.join(map(str, wanted))}: nothing is left of the curves")
    counts = document["counts"]
    return result | {"counts": {name: sum(sum(line[name]) for line in result["curves"]) for name in counts}}


def narrowed_csv(table: str, document: Mapping[str, Any], wanted: Sequence[Condition]) -> str:
    """The same of curves as CSV; `document` is the same as JSON."""
    x, series = document["x"], document["series"]
    header, *rows = csv.reader(io.StringIO(table))
    kept = io.StringIO()
    writer = csv.writer(kept, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        named = dict(zip(header, row, strict=True))
        point = {x["name"]: float(named["x"])} if named["x"] else {}
        line = {"series": float(named["series"])} if named["series"] else {"series": None}
        if _holds(point, wanted) and _line_holds(series, line, wanted):
            writer.writerow(row)
    return kept.getvalue()


def _require_shown(names: Sequence[str], wanted: Sequence[Condition]) -> None:
    for each in wanted:
        if each.name not in names:
            shown = " and ".join(names)
            raise StepbiasError(
                f"--where {each.name}: another axis than those shown, {shown}, takes one value: {each.name}=VALUE"
            )


def _holds(point: Mapping[str, float], wanted: Sequence[Condition]) -> bool:
    return all(condition.holds(point) for condition in wanted if condition.name in point)


def _line_holds(series: Mapping[str, Any] | None, line: Mapping[str, Any], wanted: Sequence[Condition]) -> bool:
    return series is None or line["series"] is None or _holds({series["name"]: line["series"]}, wanted)


def _at(line: Mapping[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    return {name: [value[each] for each in kept] if isinstance(value, list) else value for name, value in line.items()}
