"""The step size over pairs of steps while a warm-up makes it grow."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True, kw_only=True, slots=True)
class Ramp:
    """The part r = η_t/η of the step size over a stretch of pairs of steps: `level` + `slope`·t at the first of pair t.

    At the second half a `slope` more. t need not be whole.
    """

    level: float = 1.0
    slope: float = 0.0

    def at(self, pairs: Float64[np.ndarray, "*place"] | float) -> Float64[np.ndarray, "*place"]:
        """At the first steps of these pairs."""
        return np.asarray(self.level + self.slope * pairs)

    @property
    def rise(self) -> float:
        """From the first step of a pair to the second."""
        return self.slope / 2


FULL: Final = Ramp()


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmUp:
    """Where a run is in its warm-up: after `taken` steps; η_t = η·min(1, (t + 1)/W), W = `steps`."""

    taken: int = 0
    steps: int = 0

    @property
    def pairs_left(self) -> float:
        """How many pairs of steps take the step size to η, or to the last one below it; 0 if it is there."""
        return float(max(0, (self.steps - self.taken) // 2))

    def ramp(self, left: float) -> Ramp:
        """On from where so many pairs are left."""
        if not left:
            return FULL
        step = self.taken + 2 * (self.pairs_left - left)
        return Ramp(level=(step + 1) / self.steps, slope=2 / self.steps)


OVER: Final = WarmUp()
"""There is none, or no more."""
