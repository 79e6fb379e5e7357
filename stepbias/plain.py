"""Numbers and arrays of any library as what JSON has words for."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Final

from stepbias.errors import UnusableValue

_TO_LISTS: Final = ("tolist", "to_list", "to_numpy")
"""What NumPy, pandas, polars, xarray and their like have."""


def plain(value: Any, pointer: str = "") -> Any:
    """The document of mappings, sequences, arrays and numbers of any library, in Python's own.

    Extended precision becomes float64.

    Args:
        value: the document, or part of one.
        pointer: JSON Pointer (RFC 6901) to it, which the error names.

    Raises:
        UnusableValue: it holds what JSON has no words for: NaN, infinity, bytes, complex numbers, other objects.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Mapping):
        return {_name(name, pointer): plain(each, f"{pointer}/{_escaped(name)}") for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [plain(each, f"{pointer}/{index}") for index, each in enumerate(value)]
    if isinstance(value, Real | Decimal):
        return _number(value, pointer)
    conversion = next((each for each in _TO_LISTS if hasattr(value, each)), None)
    if conversion is not None:
        return plain(getattr(value, conversion)(), pointer)
    raise UnusableValue(pointer, f"a {type(value).__name__} cannot be sent; numbers, texts, arrays and lists can")


def _number(value: Real | Decimal, pointer: str) -> int | float:
    if isinstance(value, Integral):
        return int(value)
    with suppress(OverflowError, ValueError):
        if math.isfinite(found := float(value)):
            return found
    raise UnusableValue(pointer, f"{value} is no finite number")


def _name(name: Any, pointer: str) -> str:
    if not isinstance(name, str):
        raise UnusableValue(pointer, f"the name {name!r} is no text")
    return name


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
