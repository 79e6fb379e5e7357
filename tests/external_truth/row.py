"""One number that others printed, and the same number computed here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

EXACT: Final = 1e-11
"""Largest relative difference of numbers that were printed to all their digits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A number as `printed`, and `ours`.

    They agree if the relative difference is at most `tolerance`; without one, to the last digit that is printed.
    """

    what: str
    printed: str
    ours: float
    tolerance: float | None = EXACT

    @property
    def difference(self) -> float:
        """Relative to what is printed; 0 where both are not finite, and absolute where 0 is printed."""
        printed = float(self.printed)
        if math.isnan(printed) and math.isnan(self.ours):
            return 0.0
        return abs(self.ours - printed) / (abs(printed) or 1.0)

    @property
    def allowed(self) -> float:
        """The largest difference at which they agree."""
        if self.tolerance is not None:
            return self.tolerance
        mantissa, _, exponent = self.printed.partition("e")
        decimals = len(mantissa.partition(".")[2])
        return 0.5000001 * 10.0 ** (int(exponent or 0) - decimals) / (abs(float(self.printed)) or 1.0)

    @property
    def agrees(self) -> bool:
        """Whether they do."""
        return self.difference <= self.allowed

    def cells(self) -> tuple[str, str, str, str]:
        """What, printed, ours to twelve digits, and in how many digits they agree."""
        return self.what, self.printed, f"{self.ours:.12g}", self._digits()

    def _digits(self) -> str:
        if math.isnan(self.ours):
            return "both diverge"
        if self.tolerance is None:
            return "all that are printed"
        digits = math.floor(-math.log10(self.difference)) if self.difference else 16
        return "12 or more" if digits >= 12 else str(digits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """A number that is one draw of a law, because rounding or the sampling decides it, and draws of that law."""

    what: str
    printed: str
    draws: Sequence[float]

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest of the draws that ended finite."""
        finite = [draw for draw in self.draws if math.isfinite(draw)]
        return min(finite), max(finite)

    @property
    def agrees(self) -> bool:
        """Whether the printed number is among them."""
        low, high = self.ends
        return low <= float(self.printed) <= high

    def cells(self) -> tuple[str, str, str, str]:
        """What, printed, the least and the greatest draw, and how many are below it, and diverged."""
        finite = [draw for draw in self.draws if math.isfinite(draw)]
        below = sum(draw < float(self.printed) for draw in finite)
        diverged = len(self.draws) - len(finite)
        place = f"{below} of {len(finite)} are below" + (f", {diverged} diverged" if diverged else "")
        low, high = self.ends
        return self.what, self.printed, f"{low:.6g} to {high:.6g}", place


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A number that is proven to be at most `bound`, and `ours`."""

    what: str
    bound: float
    ours: float

    @property
    def agrees(self) -> bool:
        """Whether it is."""
        return self.ours <= self.bound

    def cells(self) -> tuple[str, str, str, str]:
        """What, the bound, and ours."""
        return self.what, f"≤ {self.bound:g}", f"{self.ours:.3g}", "holds" if self.agrees else "**fails**"
