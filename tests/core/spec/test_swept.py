"""Numbers that may be swept."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter, ValidationError

from core.identity import rounded
from core.spec.swept import (
    MAX_WHOLE,
    SweptFraction,
    SweptPositive,
    SweptReal,
    SweptShape,
    SweptWhole,
    Values,
    axis_values,
)

AS_IN_A_DOCUMENT = ConfigDict(strict=True, allow_inf_nan=False)
POSITIVE: TypeAdapter[Any] = TypeAdapter(SweptPositive, config=AS_IN_A_DOCUMENT)
REAL: TypeAdapter[Any] = TypeAdapter(SweptReal, config=AS_IN_A_DOCUMENT)
WHOLE: TypeAdapter[Any] = TypeAdapter(SweptWhole, config=AS_IN_A_DOCUMENT)


def _axis(adapter: TypeAdapter[Any], value: Any) -> list[float] | None:
    return axis_values(adapter.validate_json(json.dumps(value)))


def test_a_plain_number_is_no_axis() -> None:
    """Only lists and ranges are swept."""
    assert POSITIVE.validate_python(3) == 3.0
    assert axis_values(3.0) is None


def test_values_keep_the_order_they_are_given_in() -> None:
    """The order is the user's, and so the order of the results."""
    assert _axis(POSITIVE, {"values": [3, 1, 2]}) == [3.0, 1.0, 2.0]


def test_a_linear_range_includes_both_ends() -> None:
    """Without the rounding errors of repeated addition."""
    assert _axis(REAL, {"start": -0.1, "stop": 0.3, "num": 5}) == [-0.1, 0.0, 0.1, 0.2, 0.3]


def test_a_log_range_grows_by_a_constant_factor() -> None:
    """The powers of ten come out as themselves."""
    assert _axis(POSITIVE, {"start": 1e-3, "stop": 10, "num": 5, "spacing": "log"}) == [0.001, 0.01, 0.1, 1.0, 10.0]


@settings(deadline=None)
@given(
    start=st.floats(min_value=1e-9, max_value=1e3),
    factor=st.floats(min_value=1.5, max_value=1e6),
    num=st.integers(min_value=2, max_value=40),
)
def test_a_range_is_the_list_of_its_values(start: float, factor: float, num: int) -> None:
    """Whichever way an axis is written, it has the same bits; both ends are in it."""
    points = _axis(POSITIVE, {"start": start, "stop": start * factor, "num": num, "spacing": "log"})
    assert points is not None
    assert _axis(POSITIVE, {"values": points}) == points
    assert (points[0], points[-1], len(points)) == (rounded(start), rounded(start * factor), num)


def test_a_range_of_whole_numbers_stays_whole() -> None:
    """Seeds are integers, in JSON too."""
    seeds = _axis(WHOLE, {"start": 0, "stop": 4, "num": 5})
    assert json.dumps(seeds) == "[0, 1, 2, 3, 4]"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"values": []}, "at least 1"),
        ({"values": [0.3, 0.1 + 0.2]}, "repeat"),
        ({"values": [1.0], "num": 3}, "Extra inputs"),
        ({"start": 1, "stop": 2}, "required"),
        ({"start": 1, "stop": 2, "num": 0}, "greater than or equal"),
        ({"start": 1, "stop": 2, "num": 1}, "must be equal"),
        ({"start": 1, "stop": 1, "num": 2}, "num must be 1"),
        ({"start": 1, "stop": 1 + 1e-13, "num": 2}, "repeat"),
        ({"start": 1, "stop": 2, "num": 200_000}, "less than or equal"),
        ({"start": 0, "stop": 2, "num": 3}, "greater than 0"),
        ({"start": 1, "stop": 2, "num": 3, "spacing": "cubic"}, "linear"),
        ({"values": [float("nan")]}, "finite"),
        (float("inf"), "finite"),
        ("1", "valid number"),
        ({"values": ["1"]}, "valid number"),
        (True, "valid number"),
        ([1, 2], "valid number"),
        (0, "greater than 0"),
    ],
)
def test_what_is_no_positive_axis_is_refused(value: Any, reason: str) -> None:
    """With a message about the form that was meant, never about the other two."""
    with pytest.raises(ValidationError, match=reason):
        POSITIVE.validate_python(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"start": 0, "stop": 5, "num": 3}, "not whole"),
        ({"start": 0, "stop": 5.5, "num": 3}, "valid integer"),
        ({"values": [True]}, "valid integer"),
        ({"values": [-1]}, "greater than or equal to 0"),
        ({"values": [10**400]}, "less than or equal"),
        ({"start": 0, "stop": 10**400, "num": 3}, "less than or equal"),
    ],
)
def test_what_is_no_axis_of_whole_numbers_is_refused(value: Any, reason: str) -> None:
    """Also where a number is beyond float64, which must not end in an overflow."""
    with pytest.raises(ValidationError, match=reason):
        WHOLE.validate_python(value)


def test_the_largest_whole_numbers_are_told_apart() -> None:
    """Twelve digits are kept, and no whole number has more."""
    assert _axis(WHOLE, {"values": [MAX_WHOLE, MAX_WHOLE - 1]}) == [MAX_WHOLE, MAX_WHOLE - 1]
    assert _axis(WHOLE, {"start": MAX_WHOLE - 2, "stop": MAX_WHOLE, "num": 3}) == [
        MAX_WHOLE - 2,
        MAX_WHOLE - 1,
        MAX_WHOLE,
    ]


def test_a_range_wider_than_float64_is_refused() -> None:
    """Its spacing is infinite."""
    with pytest.raises(ValidationError, match="too far apart"):
        REAL.validate_python({"start": -1.5e308, "stop": 1.5e308, "num": 3})


@pytest.mark.parametrize("swept", [SweptFraction, SweptShape])
def test_a_number_that_rounds_to_one_is_refused_where_one_is(swept: Any) -> None:
    """Rounding comes after validation and must not undo it."""
    adapter: TypeAdapter[Any] = TypeAdapter(swept)
    assert rounded(adapter.validate_python(1 - 1e-12)) < 1
    with pytest.raises(ValidationError, match="less than or equal"):
        adapter.validate_python(1 - 1e-14)


def test_an_axis_cannot_be_changed() -> None:
    """Specs are frozen: their hash is their identity."""
    axis = Values[float](values=(1.0, 2.0))
    with pytest.raises(ValidationError, match="frozen"):
        axis.values = (3.0,)  # type: ignore[misc]  # the assignment is what must fail
