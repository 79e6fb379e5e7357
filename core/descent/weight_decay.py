"""Weight decay: at every step parameters shrink, as if ½λ‖θ‖² were added to the loss.

Coupled, the gradient of that is part of the gradient of the step; decoupled, θ is multiplied by 1 − η_tλ beside it
(Loshchilov and Hutter 2019). Without a velocity the two are one:

    θ − η(∇L + λθ) = s·(θ − (η/s)∇L),  s = 1 − ηλ,

a step of plain descent with x' = x/s in place of x, and a factor that all parts share. So at depth 2
u± = Π s_t·Π(1 ∓ x'_t)·u±(0), and all that `core.implicit_bias` says of A = |u₊u₋| and of S = Σ x_t holds of S = Σ x'_t:
A begins at Π s_t²·A(0), and δ is what it was. With heavy ball they differ: v ← mv − η(∇L + λθ), θ ← θ + v leaves the
stationary points of L + ½λ‖θ‖², and v ← mv − η∇L, θ ← sθ + v those of L + ½(1 − m)λ‖θ‖², since v = ηλθ rests there.
Derived here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightDecay:
    """The λ = `rate` of one run, and whether it is decoupled; only the first `until` steps decay where it is given."""

    rate: float = 0.0
    until: int | None = None
    is_decoupled: bool = False

    @property
    def lasts(self) -> bool:
        """Whether it goes on for ever, so that the run tends to a minimum of the penalised loss."""
        return self.rate > 0 and self.until is None

    @property
    def over_from(self) -> int:
        """The step from which on there is none, or none that begins: 0 where it is never over."""
        return self.until or 0

    def penalty_rate(self, momentum: float) -> float:
        """The λ of the loss L + ½λ‖θ‖² that is stationary where such steps rest."""
        return self.rate * (1 - momentum) if self.is_decoupled else self.rate

    def sharpening(self, momentum: float, *, looks_ahead: bool = False) -> float:
        """What adds to λ_max of L where that is held to the limit of the steps: λ, decoupled (1 + m)λ.

        On the quadratic loss ½hθ² decoupled heavy ball has the characteristic polynomial z² − (1 + m − ηλ − ηh)z +
        m(1 − ηλ), whose roots are within the unit circle iff η(h + (1 + m)λ) < 2 + 2m. Of Nesterov's momentum, which
        `looks_ahead`, it is z² − (1 + m − ηλ − (1 + m)ηh)z + m(1 − ηλ − ηh), and the limit (2 + 2m)/(1 + 2m) holds of
        η(h + λ(1 + m)/(1 + 2m)).
        """
        if not self.is_decoupled:
            return self.rate
        return self.rate * (1 + momentum) / (1 + 2 * momentum if looks_ahead else 1)


NO_DECAY: Final = WeightDecay()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Decay:
    """What is done to θ at each step beside the gradient: θ ← `shrink`·θ + change.

    Where there is a velocity, change is that of the velocity, in which `pull`·θ is taken off what descent adds to it.
    Without, `pull` is no part of it.
    """

    shrink: Float64[np.ndarray, "step run"]
    pull: Float64[np.ndarray, "step run"]

    def of(self, steps: slice) -> "Decay":
        """Some of the steps."""
        return Decay(shrink=self.shrink[steps], pull=self.pull[steps])
