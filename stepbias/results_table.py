"""The results of an experiment as tables of other libraries, numbers as numbers."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

Labelled = Mapping[str, Any]
"""A labelled array, as the service answers and `xarray.Dataset.from_dict` reads it."""


def numeric(results: Labelled) -> dict[str, Any]:
    """The same labelled array with NaN for what is missing of a number; texts keep None."""
    parts = {part: {name: _numeric(each) for name, each in results[part].items()} for part in ("coords", "data_vars")}
    return dict(results) | parts


def columns(results: Labelled) -> dict[str, list[Any]]:
    """A column for each axis and variable, with a row for each run, in the order of the grid.

    What does not depend on an axis is repeated along it. Missing numbers are NaN, missing texts None.
    """
    sizes: Mapping[str, int] = results["dims"]
    named = {**results["coords"], **results["data_vars"]}
    return {name: _repeated(_filled(_flat(each)), each["dims"], sizes) for name, each in named.items()}


def is_text(column: Sequence[Any]) -> bool:
    """Whether a column has texts; one without any value has none."""
    return any(isinstance(each, str) for each in column)


def _numeric(variable: Labelled) -> dict[str, Any]:
    flat = _flat(variable)
    return dict(variable) if is_text(flat) else dict(variable) | {"data": _nested(variable["data"])}


def _nested(data: Any) -> Any:
    return [_nested(each) for each in data] if isinstance(data, list) else math.nan if data is None else data


def _flat(variable: Labelled) -> list[Any]:
    data = variable["data"] if isinstance(variable["data"], list) else [variable["data"]]
    for _ in variable["dims"][1:]:
        data = list(itertools.chain.from_iterable(data))
    return data


def _filled(column: list[Any]) -> list[Any]:
    return column if is_text(column) else [math.nan if each is None else each for each in column]


def _repeated(column: list[Any], dims: Sequence[str], sizes: Mapping[str, int]) -> list[Any]:
    """Along the axes that the variable does not have, in the order of the grid."""
    if list(dims) == list(sizes):
        return column
    places = itertools.product(*(range(size) for size in sizes.values()))
    own = [list(sizes).index(name) for name in dims]
    lengths = [sizes[name] for name in dims]
    return [column[_index([place[each] for each in own], lengths)] for place in places]


def _index(place: Sequence[int], lengths: Sequence[int]) -> int:
    index = 0
    for position, length in zip(place, lengths, strict=True):
        index = index * length + position
    return index
