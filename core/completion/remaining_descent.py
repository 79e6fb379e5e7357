"""What the steps that a run of descent has still to take may do, known from its present iterate to first order."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Float64

from core.data.row_space import InterpolatorSet
from core.implicit_bias.conserved_form import ConservedForm
from core.stability.gram_spectrum import GramSpectrum


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RemainingDescent:
    """Gradient descent on a depth-D network from `state` on; x = Dηg is the step that `state` takes next.

    `sharpness` is the largest that is met, at the state itself an upper bound: its Hessian is the Gram matrix and a
    diagonal of at most D(D−1)·stretch·|g| = (D−1)·stretch·|x|/η. `loss` is L = ‖r‖²/(2N).
    """

    state: ConservedForm
    step_size: float
    loss: float
    x: Float64[np.ndarray, " dim"]
    sharpness: float

    @classmethod
    def begin(cls, space: InterpolatorSet, gram: GramSpectrum, state: ConservedForm, step_size: float) -> Self:
        """From an iterate."""
        missing = space.X @ state.predictor - space.y
        x = state.depth * step_size / len(missing) * (missing @ space.X)
        second_order = (state.depth - 1) * float((state.stretch * np.abs(x)).max()) / step_size
        return cls(
            state=state,
            step_size=step_size,
            loss=float(missing @ missing) / (2 * len(missing)),
            x=x,
            sharpness=gram.ends(state.tangent_weights)[1] + second_order,
        )

    def meeting(self, sharpness: float) -> Self:
        """The same where that sharpness is met as well."""
        return replace(self, sharpness=max(self.sharpness, sharpness))

    @property
    def is_stable(self) -> bool:
        """ηλ < 2."""
        return self.step_size * self.sharpness < 2

    @property
    def energy(self) -> float:
        """ηL/(1 − ηλ/2) ≥ Σ_s Σ_i z_i·x_{s,i}²: each step lowers L by (1 − ηλ/2)·η‖∇L‖² at least, ‖∇L‖² = Σ z x²/η²."""
        return self.step_size * self.loss / (1 - self.step_size * self.sharpness / 2)

    def leaving(self, limit: ConservedForm) -> float:
        """Σ_i|Δβ_i| by which the steps leave the conserved form, if its τ were kept; to first order, at most.

        A step changes β_i by drift_i·x_i², so that it is energy·max(drift/z); the floor ½D(D−1)·max stretch ≥ drift/z
        at the limit covers coordinates on their way, and the last factor the next order in x.
        """
        depth = limit.depth
        ratio = float((limit.drift / self.state.weights).max())
        floor = depth * (depth - 1) / 2 * float(limit.stretch.max())
        step = float((self.state.stretch * np.abs(self.x)).max())
        return self.energy * max(floor, ratio) * (1 + depth / 3 * step)
