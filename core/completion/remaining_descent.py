"""What the steps that a run of descent has still to take may do, known from its present iterate to first order."""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from jaxtyping import Float64

from core.data.row_space import InterpolatorSet
from core.implicit_bias.conserved_form import ConservedForm
from core.networks.network import power


class Spectrum(Protocol):
    """What is as `core.stability.gram_spectrum.GramSpectrum`."""

    @property
    def largest_moment(self) -> float:
        """The largest eigenvalue for c = 1."""
        ...

    def largest(self, tangent_weights: Float64[np.ndarray, " dim"]) -> float:
        """The largest eigenvalue."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RemainingDescent:
    """Gradient descent on a depth-D network from `state` on; x = Dηg is the step that `state` takes next.

    `sharpness` is the largest that is met, at the state itself an upper bound: its Hessian is the Gram matrix and a
    diagonal of at most D(D−1)·stretch·|g| = (D−1)·stretch·|x|/η. `loss` is L = ‖r‖²/(2N).

    `action` is what the steps would sum up to if η were small, ηL. Heavy ball is descent at the η for which the same
    points are stable, with another action, and what its velocity has `spent`; SGD is descent with another action and
    the sharpness of another `spectrum`.
    """

    state: ConservedForm
    step_size: float
    loss: float
    x: Float64[np.ndarray, " dim"]
    sharpness: float
    action: float
    spectrum: Spectrum
    spent: float = 0.0
    is_plain: bool = True

    @classmethod
    def begin(cls, space: InterpolatorSet, gram: Spectrum, state: ConservedForm, step_size: float) -> Self:
        """From an iterate."""
        missing = space.X @ state.predictor - space.y
        x = state.depth * step_size / len(missing) * (missing @ space.X)
        second_order = (state.depth - 1) * float((state.stretch * np.abs(x)).max()) / step_size
        loss = float(missing @ missing) / (2 * len(missing))
        return cls(
            state=state,
            step_size=step_size,
            loss=loss,
            x=x,
            sharpness=gram.largest(state.tangent_weights) + second_order,
            action=step_size * loss,
            spectrum=gram,
        )

    def with_momentum(self, momentum: float, now: Self, before: ConservedForm) -> Self:
        """The same where the state is ahead of the iterate `now`, which heavy ball came to from the one `before`.

        With m and v a mode of the linear recurrence has Σ_s v_s² = [m²v² − mη⟨∇L, v⟩ + (1+m)ηL]/((1−m)(1+m−ηλ/2)) over
        its steps to come, and the squares that leave the form sum up to [(1−m²)·Σ_s v_s² − m²v²]/(1−m)².
        """
        velocity, left = now.state.theta - before.theta, (1 - momentum) ** 2
        kinetic = momentum**2 * float(np.square(velocity).sum())
        slope = float(now.x @ (now.state.predictor - before.predictor)) / now.state.depth  # η⟨∇L, v⟩/(1+m)
        action = kinetic + (1 + momentum) * ((1 + momentum) * now.action - momentum * slope)
        swing = np.abs(velocity / power(now.state.theta, now.state.depth - 1)).max(axis=0)
        return replace(
            self,
            action=max(action, 0.0) / left,
            spent=kinetic / left,
            is_plain=False,
            x=((1 + momentum) * np.abs(now.x) + momentum * swing) / (1 - momentum),
        )

    def of_minibatches(self, limit: ConservedForm) -> Self:
        """The same where each step is that of a minibatch, on the mean: ½ηλ‖θ − θ̂‖² is the action then."""
        distance = float(np.square(self.state.theta - limit.theta).sum())
        return replace(self, action=self.step_size * self.sharpness * distance / 2, is_plain=False)

    def meeting(self, sharpness: float) -> Self:
        """The same where that sharpness is met as well."""
        return replace(self, sharpness=max(self.sharpness, sharpness))

    @property
    def is_stable(self) -> bool:
        """ηλ < 2."""
        return self.step_size * self.sharpness < 2

    @property
    def energy(self) -> float:
        """ηL/(1 − ηλ/2) ≥ Σ_s Σ_i z_i·x_{s,i}²: each step lowers L by (1 − ηλ/2)·η‖∇L‖² at least, ‖∇L‖² = Σ z x²/η².

        With another action in place of ηL for other optimisers.
        """
        return self.action / (1 - self.step_size * self.sharpness / 2) + self.spent

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
