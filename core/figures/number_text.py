"""Numbers as figures write them."""

from collections.abc import Sequence
from typing import Final

WHOLE: Final = 1_000_000
"""Whole numbers below it are written out."""

_RAISED_DIGITS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_RAISED: Final = str.maketrans("0123456789-", _RAISED_DIGITS)


def number_text(value: float, digits: int = 6) -> str:
    """The number in at most so many significant digits, with a power of ten where it would be long: 3·10⁻⁵."""
    if abs(value) < WHOLE and value == int(value) and float(f"{value:.{digits}g}") == value:
        return str(int(value))
    mantissa, exponential, exponent = f"{value:.{digits}g}".partition("e")
    if not exponential:
        return mantissa
    power = "10" + str(int(exponent)).translate(_RAISED)
    return power if mantissa == "1" else f"-{power}" if mantissa == "-1" else f"{mantissa}·{power}"


def numbers_in_one_format(values: Sequence[float], *, is_linear: bool) -> list[str]:
    """The numbers along an axis, all written alike: with as many decimals within a decade, or all as powers of ten.

    Zero is 0 in any of them.
    """
    plain = [number_text(value) for value in values]
    if any("10" in text and any(letter in text for letter in _RAISED_DIGITS) for text in plain):
        return [_power_text(value) for value in values]
    positive = [value for value in values if value > 0]
    if not is_linear and positive and max(positive) >= 10 * min(positive):
        return plain
    decimals = max((len(text.partition(".")[2]) for text in plain), default=0)
    return [f"{value:.{decimals}f}" if value else "0" for value in values]


def _power_text(value: float) -> str:
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.5e}".partition("e")
    digits = f"{float(mantissa):g}"
    power = "10" + str(int(exponent)).translate(_RAISED)
    return power if digits == "1" else f"-{power}" if digits == "-1" else f"{digits}·{power}"
