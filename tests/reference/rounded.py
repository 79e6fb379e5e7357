"""Numbers of fifty digits that know how far float64 may be from them: the running error analysis of Wilkinson.

What is computed in float64 by the same formula, in whatever order sums are taken and with fused products or without,
is within `error` of `value`. Errors are bounded coordinate by coordinate, so they grow with the steps of a run as its
own perturbations may: nothing is fitted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, setcontext
from typing import Final

UNIT: Final = 2.0**-53
"""Relative error of one operation in float64."""

setcontext(Context(prec=50))


@dataclass(frozen=True, slots=True)
class Rounded:
    """A number and the bound of its error in float64."""

    value: Decimal
    error: float = 0.0

    def __add__(self, other: "Rounded") -> "Rounded":
        value = self.value + other.value
        return Rounded(value, self.error + other.error + UNIT * abs(float(value)))

    def __neg__(self) -> "Rounded":
        return Rounded(-self.value, self.error)

    def __sub__(self, other: "Rounded") -> "Rounded":
        return self + -other

    def __mul__(self, other: "Rounded") -> "Rounded":
        value, own, others = self.value * other.value, abs(float(self.value)), abs(float(other.value))
        inherited = own * other.error + others * self.error + self.error * other.error
        return Rounded(value, inherited + UNIT * abs(float(value)))

    def __truediv__(self, divisor: int) -> "Rounded":
        value = self.value / divisor
        return Rounded(value, self.error / divisor + UNIT * abs(float(value)))

    def __pow__(self, exponent: int) -> "Rounded":
        power = ONE
        for _ in range(exponent):
            power = power * self
        return power

    def __abs__(self) -> "Rounded":
        return Rounded(abs(self.value), self.error)

    def of(self, value: Decimal, slope: Decimal) -> "Rounded":
        """f(self) from its value and derivative there, to first order; a library function may be off by four units."""
        return Rounded(value, abs(float(slope)) * self.error + 4 * UNIT * abs(float(value)))

    def misses(self, found: float | None, factor: float = 1.0) -> bool:
        """Whether what was found is further away than the bound."""
        return found is None or not abs(float(Decimal(found) - self.value)) <= factor * self.error


def exactly(number: float) -> Rounded:
    """A number of float64, which is known."""
    return Rounded(Decimal(number))


ONE: Final = exactly(1.0)


def total(terms: Iterable[Rounded]) -> Rounded:
    """Their sum, in any order: every one of its n − 1 roundings is at most a unit of Σ|terms|."""
    known = list(terms)
    size = sum(abs(float(term.value)) for term in known)
    error = sum(term.error for term in known) + len(known) * UNIT * size
    return Rounded(sum((term.value for term in known), Decimal(0)), error)


def dot(left: Sequence[Rounded], right: Sequence[Rounded]) -> Rounded:
    """⟨left, right⟩."""
    return total(a * b for a, b in zip(left, right, strict=True))
