"""Trajectories and aggregated curves as tables, in CSV and NDJSON."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

from fastapi import Response
from pydantic import Field

from api.contract.parts import Answers, files
from api.exports.array_answer import json_answer, npz_answer
from api.exports.formats import NAMED
from api.requests.paging import MOST_WHOLE, InDigits, QueryModel
from core.exports.format import MEDIA_TYPES, Format
from core.exports.rows import csv_pieces, ndjson_pieces
from core.exports.run_table import Row
from core.results.curves import COUNTS, Curve, Curves
from core.results.labelled_arrays import LabelledArrays
from core.results.thinning import FEWEST_POINTS, thinned

_STATISTICS: Final = ("median", "lower_quartile", "upper_quartile")
CURVE_COLUMNS: Final = ("kind", "name", "series", "x", *_STATISTICS, *COUNTS)
"""The columns of aggregated curves; `kind` is curve, flow_limit or baseline, which has a name, and no x."""


def as_well(forms: Iterable[Format]) -> Answers:
    """What an address that answers JSON sends to who accepts another format, for `responses`."""
    return files("The answer.", [MEDIA_TYPES[form] for form in forms if form is not Format.JSON])


FILES: Final = {form: files("A table.", [form.media_type]) for form in Format}


class TrajectoryQuery(QueryModel):
    """The query of a trajectory."""

    points: Annotated[
        Annotated[int, Field(ge=FEWEST_POINTS, le=MOST_WHOLE), InDigits] | None,
        Field(description="Most records: first, last and extremes of each curve, others evenly."),
    ] = None

    def of(self, trajectory: LabelledArrays) -> LabelledArrays:
        """So much of the trajectory as is asked for."""
        return trajectory if self.points is None else thinned(trajectory, self.points)


class FormedTrajectoryQuery(TrajectoryQuery):
    """The same at the address that has every format."""

    format: Annotated[Literal[Format.JSON, Format.CSV, Format.NDJSON, Format.NPZ] | None, Field(description=NAMED)] = (
        None
    )


def trajectory_table(trajectory: LabelledArrays, form: Format) -> Response:
    """A row for each record: the step, then every curve."""
    document = trajectory.to_document()
    entries = document["coords"] | document["data_vars"]
    rows = [list(row) for row in zip(*(entry["data"] for entry in entries.values()), strict=True)]
    return _answer(tuple(entries), rows, form)


def arrays_answer(arrays: LabelledArrays, form: Format, experiment_id: str) -> Response:
    """The arrays in a format that the Accept header has decided."""
    match form:
        case Format.JSON:
            answer = json_answer(arrays, experiment_id)
        case Format.NPZ:
            answer = npz_answer(arrays)
        case _:
            answer = trajectory_table(arrays, form)
    answer.headers["Vary"] = "Accept"
    return answer


def curve_table(family: Curves, form: Format) -> Response:
    """A row for each point of each curve, then those of the limits that the starts have, then one for each baseline."""
    kinds = {"curve": family.curves, "flow_limit": family.flow_limits, "kernel_limit": family.kernel_limits}
    rows = [row for kind, curves in kinds.items() for curve in curves for row in _points(kind, family, curve)]
    for each in family.baselines:
        statistics = (each.value, each.lower_quartile, each.upper_quartile)
        rows.append(["baseline", each.name, each.series, None, *statistics, *[None] * len(COUNTS)])
    return _answer(CURVE_COLUMNS, rows, form)


def _points(kind: str, family: Curves, curve: Curve) -> Iterator[Row]:
    columns = (getattr(curve, name) for name in (*_STATISTICS, *COUNTS))
    for x, *values in zip(family.x_values, *columns, strict=True):
        yield [kind, None, curve.series, x, *values]


def _answer(names: tuple[str, ...], rows: list[Row], form: Format) -> Response:
    is_csv = form is Format.CSV
    pieces = csv_pieces(names, [rows], has_names=True) if is_csv else ndjson_pieces(names, [rows])
    media_type = f"{form.media_type}; charset=utf-8; header=present" if is_csv else form.media_type
    return Response(b"".join(pieces), media_type=media_type)
