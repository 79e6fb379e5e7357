"""The axes of figures."""

import math
import re

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.axis import decades, log_y, on_log_axis, span
from core.figures.number_text import number_text
from core.results.variables import COORDINATES, VARIABLES


def _panel() -> Axes:
    return Figure(figsize=(5, 4)).subplots()


def _labels(panel: Axes) -> list[str]:
    low, high = panel.get_xlim()
    labels = zip(panel.get_xticks(), panel.get_xticklabels(), strict=True)
    return [label.get_text() for tick, label in labels if low <= tick <= high]


def _read(text: str) -> float:
    """The number that a text says: 3·10⁻⁵, 10⁶ or plain digits."""
    power = re.fullmatch(r"(-?)(?:([0-9.]+)·)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text)
    if power is None:
        return float(text)
    sign, mantissa, exponent = power.groups()
    lowered = exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(f"{sign}{mantissa or 1}e{lowered}")


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_a_number_reads_as_what_it_is_to_six_digits(value: float) -> None:
    """Whatever its size; powers of ten are raised and never written with an e."""
    assert _read(number_text(value)) == pytest.approx(value, rel=1e-5)


def test_numbers_are_written_out_while_they_are_short() -> None:
    """Whole ones below a million, in any number of digits."""
    texts = {0.0: "0", 0.001: "0.001", 5e-5: "5·10⁻⁵", 1e-5: "10⁻⁵", 100_000: "100000", 1e6: "10⁶", 2.5e7: "2.5·10⁷"}
    assert {value: number_text(value) for value in texts} == texts
    assert number_text(20_000, 3) == "20000"
    assert number_text(20_001, 3) == "2·10⁴"
    assert [number_text(value) for value in (math.inf, -1e-9)] == ["inf", "-10⁻⁹"]


@settings(max_examples=40)
@given(st.lists(st.floats(min_value=1e-8, max_value=1e8), min_size=1, max_size=12, unique=True), st.booleans())
def test_every_value_is_within_the_axis(values: list[float], with_zero: bool) -> None:  # noqa: FBT001 - drawn
    """With room on either side, whichever scale is chosen."""
    panel = _panel()
    every = [0.0, *values] if with_zero else values
    span(panel, COORDINATES["warmup_steps"], every)
    low, high = panel.get_xlim()
    assert low < min(every) <= max(every) < high
    across = panel.transAxes.inverted().transform(panel.transData.transform([(value, 1) for value in sorted(every)]))
    assert (np.diff(across[:, 0]) > 0).all()


@pytest.mark.parametrize("depths", [[2, 3], [2, 3, 4], [2, 3, 5, 8]])
def test_whole_numbers_have_no_fractions_between_them(depths: list[float]) -> None:
    """There is no depth 2.25."""
    panel = _panel()
    span(panel, COORDINATES["depth"], depths)
    labels = _labels(panel)
    assert len(labels) >= 2
    assert all(label.isdigit() for label in labels)


def test_quantities_that_span_decades_are_logarithmic_whatever_they_are() -> None:
    """So are those whose values are spaced so; others stay linear."""
    for name, values, scale in (
        ("init_scale", [0.1, 0.2], "log"),
        ("samples", [10, 20, 40], "log"),
        ("samples", [10, 20, 30], "linear"),
        ("label_noise_variance", [0.01, 4.0], "log"),
        ("warmup_steps", [0, 10, 1000], "symlog"),
        ("data_mean", [-1, 0, 1], "linear"),
        ("momentum", [0.0], "linear"),
    ):
        panel = _panel()
        span(panel, COORDINATES[name], values)
        assert panel.get_xscale() == scale
        assert panel.get_xlabel() == COORDINATES[name].label


def test_counts_are_named_one_by_one_where_there_is_room() -> None:
    """Otherwise powers of ten are."""
    few, many = _panel(), _panel()
    span(few, COORDINATES["warmup_steps"], [0, 30, 1000])
    span(many, COORDINATES["warmup_steps"], [0, 1, *range(1000, 1020)])
    assert _labels(few) == ["0", "30", "1000"]
    assert _labels(many) == ["0", "1", "10", "100", "1000"]


def test_one_value_is_named() -> None:
    """By itself, in the middle."""
    for name, value in (("init_scale", 0.37), ("momentum", 0.9), ("warmup_steps", 0)):
        panel = _panel()
        span(panel, COORDINATES[name], [value])
        assert _labels(panel) == [number_text(value)]


@settings(max_examples=40)
@given(st.floats(min_value=1e-12, max_value=1e12), st.floats(min_value=1.2, max_value=1e30), st.floats(0, 0.3))
def test_a_logarithmic_axis_has_two_numbers_at_least_and_none_beside_the_rug(
    least: float, ratio: float, rug: float
) -> None:
    """However near its ends are, and however far."""
    panel = _panel()
    log_y(panel, least, least * ratio, rug=rug)
    ticks = panel.get_yticks()
    assert len(ticks) >= (2 if rug == 0 else 1)
    assert (ticks >= least * ratio**rug * (1 - 1e-9)).all()
    assert (ticks <= least * ratio * (1 + 1e-9)).all()


def test_ticks_are_powers_of_ten_once_there_are_three() -> None:
    """Over very many decades some of them."""
    ticks = decades(0.9, 150).tick_values(0.9, 150)
    assert [tick for tick in ticks if 0.9 <= tick <= 150] == [1, 10, 100]
    assert 20 in decades(9, 150).tick_values(9, 150)


def test_what_has_no_place_on_a_logarithmic_axis_is_a_gap() -> None:
    """None, zero, and what is not finite."""
    values = on_log_axis([1.0, None, 0.0, -1.0, math.inf, math.nan])
    assert values[0] == 1
    assert np.isnan(values[1:]).all()


def test_the_label_is_that_of_the_variable() -> None:
    """Word and symbol."""
    panel = _panel()
    span(panel, VARIABLES["step_size"], [0.1, 0.2])
    assert panel.get_xlabel() == "step size η"
