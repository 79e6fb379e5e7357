"""Where the losses of runs grow from one step to another, looked at by the kernel that takes the steps."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

LEAST_RISE: Final = 2e-4
"""Least relative growth that is seen: of residuals of 1e-10 rounding makes 1e-6 to 1e-5. As in native/descent.c."""

LOOKS_APART: Final = 4
"""Steps from one look to the next after the first check, as there: what none sees has grown for three at most."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LossGrowth:
    """What is known of the growth of losses, noted in place; an entry for each run.

    Of a loss L what is above `least` counts, and `floor` at least: ℓ = max(L − `least`, `floor`). `lowest` is the least
    ℓ since the check before, ∞ at the start, and `grew_at` the last step by which ℓ > (1 + `LEAST_RISE`)·`lowest`.
    """

    least: float
    floor: Float64[np.ndarray, " run"]
    lowest: Float64[np.ndarray, " run"]
    grew_at: Int64[np.ndarray, " run"]

    def looks(self, start: int, stop: int, interval: int) -> Int64[np.ndarray, " step"]:
        """Before which of the steps start ≤ t < stop it is looked: every one before the first check, then some.

        Not at a check, every `interval` steps, whose losses are noted in any case.
        """
        steps = np.arange(start, stop, dtype=np.int64)
        spaced = (steps % LOOKS_APART == 0) & (steps % interval > 0)
        return np.asarray(steps[(steps < interval) | spaced])

    def note(
        self, steps: Int64[np.ndarray, " step"], losses: Float64[np.ndarray, "step run"], *, to_check: bool
    ) -> None:
        """Note the losses after successive numbers of steps, the last of them at a check or none; NaN has grown."""
        with np.errstate(all="ignore"):
            above = np.maximum(losses - self.least, self.floor)
            lowest = np.fmin.accumulate(np.vstack([self.lowest, above]))
            grew = ~(above <= (1 + LEAST_RISE) * lowest[:-1])
        np.maximum(self.grew_at, (grew * steps[:, None]).max(axis=0, initial=0), out=self.grew_at)
        self.lowest[:] = above[-1] if to_check else lowest[-1]
