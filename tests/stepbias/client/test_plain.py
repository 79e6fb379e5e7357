"""What scripts have their numbers in, and what is sent of them."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from stepbias import StepbiasError, UnusableValue
from stepbias.plain import plain


class Series:
    """What polars calls a list."""

    def to_list(self) -> list[float]:
        """As polars has it."""
        return [0.25, 0.5]


class Frame:
    """What pandas calls a table of numbers."""

    def to_numpy(self) -> Any:
        """As pandas has it."""
        return np.array([[1.0, 2.0]])


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (np.linspace(0.1, 1, 3), [0.1, 0.55, 1.0]),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.int64(3), 3),
        (np.array([True])[0], True),
        (np.array(0.25), 0.25),
        (np.longdouble(0.5), 0.5),
        (np.eye(2, dtype=np.longdouble), [[1.0, 0.0], [0.0, 1.0]]),
        (range(3), [0, 1, 2]),
        ((1, Fraction(1, 4), Decimal("0.5")), [1, 0.25, 0.5]),
        (Series(), [0.25, 0.5]),
        (Frame(), [[1.0, 2.0]]),
        ([np.float64(1.0), [np.arange(2)]], [1.0, [[0, 1]]]),
        ({"a": None, "b": "text", "c": True}, {"a": None, "b": "text", "c": True}),
    ],
)
def test_numbers_of_any_library_are_numbers(given: Any, sent: Any) -> None:
    """To the last bit where float64 has it, and in types that JSON writes."""
    assert plain(given) == sent
    assert json.loads(json.dumps(plain(given))) == sent


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"optimizer": {"step_size": {"values": np.array([0.1, np.nan])}}}, "/optimizer/step_size/values/1"),
        ({"a": float("inf")}, "/a"),
        ({"a": Decimal("1e400")}, "/a"),
        ({"a": Decimal("sNaN")}, "/a"),
        ({"a": Fraction(10**400, 3)}, "/a"),
        ({"a/b": {"~": b"bytes"}}, "/a~1b/~0"),
        ({"a": [0, 1j]}, "/a/1"),
        ({"a": np.array([1j])}, "/a/0"),
        ({"a": {1, 2}}, "/a"),
        ({"a": object()}, "/a"),
        ({"a": {1: 2}}, "/a"),
    ],
)
def test_what_cannot_be_sent_is_pointed_at(given: Any, pointer: str) -> None:
    """By an error of this package, which is a ValueError as well."""
    with pytest.raises(UnusableValue) as refused:
        plain(given)
    assert refused.value.pointer == pointer
    assert str(refused.value).startswith(f"{pointer}: ")
    assert isinstance(refused.value, StepbiasError)
    assert isinstance(refused.value, ValueError)
