"""The result of a run, and the results of an experiment as a labelled array."""

import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from core.array_block import MalformedArrays, Numbers, pack_arrays, unpack_arrays
from core.errors import InvalidChoice, StepbiasError
from core.identity import canonical_json
from core.results.variables import COORDINATES, VARIABLES, Kind, Variable
from core.sweep.grid import Grid

__all__ = [
    "VARIABLES",
    "MalformedArrays",
    "MalformedSummary",
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

MAGIC: Final = b"sbs2"

_NUMBERS: Final = """
step_size end_step_size init_scale depth steps perturbations held_steps best_step
iterate_train_loss train_loss iterate_excess_risk excess_risk best_excess_risk test_loss best_test_loss
predictor_error l1_norm l2_norm sharpness sharpness_residual gauss_newton_sharpness sharpness_lower_bound
sharpness_upper_bound weighted_norm stability_threshold effective_init certificate_residual kernel_change
smallest_parameter flow_excess_risk flow_test_loss kernel_excess_risk kernel_test_loss kernel_distance min_sharpness
max_stable_step start_stable_step least_norm_stable_step flow_stable_step
cycle_period cycle_amplitude completion_error_estimate completion_error_bound limit_error risk_error
mean_square_stable_step first_failing_step sensitivity
lasso_penalty lasso_excess_risk lasso_test_loss lasso_distance duality_gap
"""
NUMBERS: Final = tuple(_NUMBERS.split())
"""The numbers of a stored summary, in their order; what is null is left out. Names are added at the end alone, for what
is stored is read by this. What is often equal stands side by side: beside each other in a page it takes nothing."""

FORMER_MAGIC: Final = b"sbs1"
_FORMER_NUMBERS: Final = """
step_size init_scale cycle_amplitude iterate_train_loss iterate_excess_risk completion_error_estimate
completion_error_bound limit_error risk_error train_loss excess_risk test_loss predictor_error l1_norm l2_norm
sharpness sharpness_residual gauss_newton_sharpness sharpness_lower_bound sharpness_upper_bound weighted_norm
stability_threshold effective_init certificate_residual kernel_change smallest_parameter flow_excess_risk
flow_test_loss kernel_excess_risk kernel_test_loss kernel_distance min_sharpness max_stable_step start_stable_step
least_norm_stable_step flow_stable_step first_failing_step sensitivity
"""
FORMER_FLOATS: Final = tuple(_FORMER_NUMBERS.split())
"""The numbers that a summary began with as they were stored before, NaN for null; all else stood in JSON."""

_FORMER: Final = struct.Struct(f"<{len(FORMER_FLOATS)}d")

_TEXT_STEP: Final = 32
"""Texts are filled up to multiples of so many bytes, so that most of those that are kept together are of one length."""

_PLACES: Final = {name: place for place, name in enumerate(NUMBERS)}
_SOURCES: Final = tuple((name, known.alias_of or name, known) for name, known in VARIABLES.items())
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
    return {name: _scalar(known, given(source)) for name, source, known in _SOURCES}


def encode_summary(summary: Mapping[str, Any]) -> bytes:
    """`whole_summary` as bytes: which of `NUMBERS` are not null, these, then the texts that are not null as JSON.

    They are not compressed: they are kept with those of other runs, which are much like them.

    Raises:
        InvalidChoice, TypeError: as there.
    """
    return encode_whole_summary(whole_summary(summary))


def encode_whole_summary(summary: Summary) -> bytes:
    """The same of what `whole_summary` gave."""
    known = {name: value for name, value in summary.items() if value is not None}
    form = _form_of_names(tuple(name for name in NUMBERS if name in known))
    numbers = form.numbers.pack(*(known[name] for name in form.names))
    rest = tuple((name, value) for name, value in known.items() if name not in _PLACES)
    return form.head + numbers + _text_of(rest)


class MalformedSummary(StepbiasError):
    """Bytes that `encode_summary` did not write, or not all of them."""


def decode_summary(stored: bytes) -> dict[str, Scalar]:
    """The scalars of a run that `encode_summary` wrote, in this version or an earlier one. What is absent is null.

    What is read could have been written: numbers that are finite, each scalar of the kind of its variable.

    Raises:
        MalformedSummary: the bytes are damaged, cut short or no summary.
    """
    try:
        return _scalars(stored)
    except (struct.error, zlib.error, ValueError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise MalformedSummary("a stored summary is damaged, or cut short") from error


def _scalars(stored: bytes) -> dict[str, Scalar]:
    """What the bytes say; one of several errors where they say nothing."""
    if stored.startswith(MAGIC):
        form = _form_of_mask(stored[len(MAGIC) + 1 : len(MAGIC) + 1 + stored[len(MAGIC)]])
        start = len(form.head)
        numbers = form.numbers.unpack_from(stored, start)
        text = stored[start + form.numbers.size :]
        if not all(map(math.isfinite, numbers)) or len(text) % _TEXT_STEP:
            raise ValueError("not finite, or not filled up")
        found = dict(zip(form.names, numbers, strict=True)) | _said(text)
    elif stored.startswith(FORMER_MAGIC):
        row = _FORMER.unpack_from(stored, len(FORMER_MAGIC))
        if any(map(math.isinf, row)):
            raise ValueError("infinite")
        floats = (None if math.isnan(number) else number for number in row)
        found = dict(zip(FORMER_FLOATS, floats, strict=True)) | _said(stored[len(FORMER_MAGIC) + _FORMER.size :])
    else:
        summary = _said(stored if stored.startswith(b"{") else zlib.decompress(stored))  # as they were stored at first
        former = {
            known.alias_of: summary[name] for name, known in VARIABLES.items() if known.alias_of and name in summary
        }
        return former | summary
    return {name: found.get(source) for name, source, _ in _SOURCES}


@lru_cache(maxsize=256)
def _said(text: bytes) -> dict[str, Scalar]:
    """What is stored in JSON, the same for most runs of a batch; a variable of a later version is passed over."""
    said = json.loads(text, parse_float=_finite, parse_constant=_finite)
    if not isinstance(said, dict):
        raise TypeError("no object")
    return {name: _scalar(VARIABLES[name], value) for name, value in said.items() if name in VARIABLES}


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def numbers_in_summary(stored: bytes) -> tuple[Numbers, ...]:
    """Where the numbers of an encoded summary lie, each by itself; of any other bytes none are told."""
    if not stored.startswith(MAGIC):
        return ()
    return _form_of_mask(stored[len(MAGIC) + 1 : len(MAGIC) + 1 + stored[len(MAGIC)]]).stretches


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """How the numbers of a summary lie: `names` are those that this version knows, behind a `head` that says which.

    `stretches` says where they lie, each by itself: neighbours have nothing in common but their place in a run.
    """

    names: tuple[str, ...]
    head: bytes
    numbers: struct.Struct
    stretches: tuple[Numbers, ...]


@lru_cache(maxsize=256)
def _form_of_names(names: tuple[str, ...]) -> _Form:
    """Of numbers that are not null, in the order of `NUMBERS`."""
    bits = sum(1 << _PLACES[name] for name in names)
    return _form_of_mask(bits.to_bytes(-(-len(NUMBERS) // 8), "little"))


@lru_cache(maxsize=256)
def _form_of_mask(mask: bytes) -> _Form:
    """Bit k says whether the number of place k is there. One that a later version has added is passed over."""
    bits = int.from_bytes(mask, "little")
    places = [place for place in range(8 * len(mask)) if bits >> place & 1]
    names = tuple(NUMBERS[place] for place in places if place < len(NUMBERS))
    form = "".join("q" if VARIABLES[name].kind is Kind.INT else "d" for name in names)
    numbers = struct.Struct(f"<{form}{8 * (len(places) - len(names))}x")
    head = MAGIC + bytes([len(mask)]) + mask
    stretches = tuple(Numbers(len(head) + 8 * place, 1, 8) for place in range(len(names)))
    return _Form(names=names, head=head, numbers=numbers, stretches=stretches)


@lru_cache(maxsize=256)
def _text_of(rest: tuple[tuple[str, Scalar], ...]) -> bytes:
    """What is no number as JSON: the same for most runs of a batch."""
    text = canonical_json({name: value for name, value in rest if not VARIABLES[name].alias_of})
    return text.ljust(-(-len(text) // _TEXT_STEP) * _TEXT_STEP)


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
    if value is None:
        return None
    if type(value) is float and variable.kind is Kind.FLOAT:
        return value if math.isfinite(value) else None
    plain = value.item() if isinstance(value, np.generic) else value
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
