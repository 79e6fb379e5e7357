"""One number that others printed, and the same number computed here."""

import math
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
        """Relative to what is printed; 0 where both are not finite."""
        printed = float(self.printed)
        return 0.0 if math.isnan(printed) and math.isnan(self.ours) else abs(self.ours / printed - 1)

    @property
    def allowed(self) -> float:
        """The largest difference at which they agree."""
        if self.tolerance is not None:
            return self.tolerance
        mantissa, _, exponent = self.printed.partition("e")
        decimals = len(mantissa.partition(".")[2])
        return 0.5000001 * 10.0 ** (int(exponent or 0) - decimals) / abs(float(self.printed))

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
