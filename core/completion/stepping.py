"""How the steps of an optimiser differ from those of plain descent, as far as the limit of a run depends on it.

Derivations: docs/science/completion.md.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64

Parts = Float64[np.ndarray, "part dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stepping:
    """Heavy ball of `momentum` m with `velocity` v = θ(t) − θ(t−1), or minibatches of b out of N samples.

    `dispersion` is q = (N − b)/(b(N − 1)), by which the variance of one sample's gradient enters that of a minibatch,
    1/b with replacement; 1 where samples come in any order: no step leads away from θ̂ if none of a single sample does.
    """

    momentum: float = 0.0
    velocity: Parts | None = None
    dispersion: float = 0.0

    def ahead(self, theta: Parts) -> Parts:
        """θ + m/(1 − m)·v, where the velocity by itself would lead: it moves by −η/(1 − m)·∇L(θ) a step, exactly."""
        if self.velocity is None:
            return theta
        there: Parts = theta + self.momentum / (1 - self.momentum) * self.velocity
        return there

    def before(self, theta: Parts) -> Parts:
        """θ(t−1)."""
        return theta if self.velocity is None else theta - self.velocity


PLAIN: Final = Stepping()
"""Gradient descent."""
