"""The result of a run, and the results of an experiment as a labelled array."""

import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from core.array_block import MalformedArrays, pack_arrays, unpack_arrays
from core.errors import InvalidChoice
from core.identity import canonical_json
from core.results.variables import COORDINATES, VARIABLES, Kind, Variable
from core.sweep.grid import Grid

__all__ = [
    "VARIABLES",
    "MalformedArrays",
    "coordinate_entries",
    "decode_summary",
    "encode_summary",
    "pack_arrays",
    "to_xarray",
    "unpack_arrays",
    "variable_attributes",
    "whole_summary",
]

Scalar = float | int | str | None
Summary = Mapping[str, Scalar]

MAGIC: Final = b"sbs1"

_NUMBERS: Final = """
step_size init_scale cycle_amplitude iterate_train_loss iterate_excess_risk completion_error_estimate
completion_error_bound limit_error risk_error train_loss excess_risk test_loss predictor_error l1_norm l2_norm
sharpness sharpness_residual gauss_newton_sharpness sharpness_lower_bound sharpness_upper_bound weighted_norm
stability_threshold effective_init certificate_residual kernel_change smallest_parameter flow_excess_risk
flow_test_loss kernel_excess_risk kernel_test_loss kernel_distance min_sharpness max_stable_step start_stable_step
least_norm_stable_step flow_stable_step first_failing_step sensitivity
"""
FLOATS: Final = tuple(_NUMBERS.split())
"""The numbers that a stored summary begins with. It never changes, for what is stored is read by it: a variable that
comes later stands in the JSON behind them."""

_FLOATS: Final = struct.Struct(f"<{len(FLOATS)}d")

_TEXT_STEP: Final = 32
"""Texts are filled up to multiples of so many bytes, so that most of those that are kept together are of one length."""

_TYPES: Final = {Kind.FLOAT: (float, int), Kind.INT: (int,), Kind.TEXT: (str,)}


def whole_summary(summary: Mapping[str, Any]) -> dict[str, Scalar]:
    """A run's scalars as JSON can say them: every variable of the table, NaN and infinities as null.

    NumPy scalars are taken as the numbers they are; a variable that is absent is null.

    Raises:
        InvalidChoice: a name is not in the table of variables.
        TypeError: a value is not of its variable's kind.
    """
    for name in summary:
        if name not in VARIABLES:
            raise InvalidChoice("summary", VARIABLES)
    given = summary.get
    return {name: _scalar(known, given(known.alias_of or name)) for name, known in VARIABLES.items()}


def encode_summary(summary: Mapping[str, Any]) -> bytes:
    """`whole_summary` as bytes: the numbers of `FLOATS`, NaN for null, then all else that is not null as JSON.

    They are not compressed: they are kept with those of other runs, which are much like them.

    Raises:
        InvalidChoice, TypeError: as there.
    """
    return encode_whole_summary(whole_summary(summary))


def encode_whole_summary(summary: Summary) -> bytes:
    """The same of what `whole_summary` gave."""
    whole = dict(summary)
    numbers = [whole.pop(name, None) for name in FLOATS]
    rest = {name: value for name, value in whole.items() if value is not None and not VARIABLES[name].alias_of}
    text = canonical_json(rest)
    packed = _FLOATS.pack(*(math.nan if number is None else number for number in numbers))
    return MAGIC + packed + text.ljust(-(-len(text) // _TEXT_STEP) * _TEXT_STEP)


def decode_summary(stored: bytes) -> dict[str, Scalar]:
    """The scalars of a run that `encode_summary` wrote, in this version or in one that had former names alone."""
    if not stored.startswith(MAGIC):
        plain = stored if stored.startswith(b"{") else zlib.decompress(stored)  # as they were stored before
        summary: dict[str, Scalar] = json.loads(plain)
        former = {
            known.alias_of: summary[name] for name, known in VARIABLES.items() if known.alias_of and name in summary
        }
        return former | summary
    numbers = _FLOATS.unpack_from(stored, len(MAGIC))
    floats = (None if math.isnan(number) else number for number in numbers)
    found: dict[str, Scalar] = dict(zip(FLOATS, floats, strict=True)) | json.loads(stored[len(MAGIC) + _FLOATS.size :])
    return {name: found.get(known.alias_of or name) for name, known in VARIABLES.items()}


def to_xarray(grid: Grid, summaries: Sequence[Summary | None], attrs: Mapping[str, Any]) -> dict[str, Any]:
    """All runs as one labelled array, in the form that `xarray.Dataset.from_dict` reads, ready for JSON.

    Every axis of the grid is a dimension coordinate, with what is linked to it beside it; every other variable is an
    array over all dimensions, as nested lists in grid order. Null stands for a run that is not there (yet), and for
    numbers that are not finite. A variable that is swept is a coordinate alone, since one name cannot be both.

    Raises:
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    check_one_per_run(grid, summaries)
    dims = [axis.name for axis in grid.axes]
    swept = {each.name for axis in grid.axes for each in axis.members}
    return {
        "attrs": dict(attrs),
        "dims": dict(zip(dims, grid.shape, strict=True)),
        "coords": coordinate_entries(grid),
        "data_vars": {
            name: {"dims": dims, "attrs": variable_attributes(variable), "data": _nested(grid, summaries, name)}
            for name, variable in VARIABLES.items()
            if name not in swept
        },
    }


def check_one_per_run(grid: Grid, summaries: Sequence[Summary | None]) -> None:
    """Refuse summaries that cannot belong to the grid.

    Raises:
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    if len(summaries) != len(grid):
        raise ValueError(f"{len(summaries)} summaries for {len(grid)} runs")


def _scalar(variable: Variable, value: Any) -> Scalar:
    if type(value) is float and variable.kind is Kind.FLOAT:
        return value if math.isfinite(value) else None
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None:
        return None
    if isinstance(plain, bool) or not isinstance(plain, _TYPES[variable.kind]):
        raise TypeError(f"{variable.name} should be {variable.kind}, not {type(value).__name__}")
    if isinstance(plain, int | float) and variable.kind is Kind.FLOAT:
        return float(plain) if math.isfinite(plain) else None
    number_or_text: Scalar = plain
    return number_or_text


def coordinate_entries(grid: Grid) -> dict[str, Any]:
    """The axes of the grid as dimension coordinates of the labelled array; what is linked to one lies along it."""
    return {
        each.name: {
            "dims": [axis.name],
            "attrs": variable_attributes(COORDINATES[each.name]),
            "data": list(each.values),
        }
        for axis in grid.axes
        for each in axis.members
    }


def variable_attributes(variable: Variable) -> dict[str, str]:
    """What the labelled array says of a variable."""
    return {"long_name": variable.label, "symbol": variable.symbol, "description": variable.description}


def _nested(grid: Grid, summaries: Sequence[Summary | None], name: str) -> Any:
    column = np.empty(len(grid), dtype=object)
    column[:] = [None if summary is None else summary.get(name) for summary in summaries]
    return column.reshape(grid.shape).tolist()
