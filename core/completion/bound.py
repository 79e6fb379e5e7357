"""A proven bound of the distance between a completed predictor and the limit of the run, for the squared model.

In exact arithmetic from the iterate on, and where its hypotheses hold, the run converges, its limit is linearly stable,
and ‖β_limit − β̂‖₂ is at most this. Theorem and proof: docs/science/completion.md, whose numbering is used here.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64

from core.completion.oblique_projector import ObliqueProjector
from core.implicit_bias.conserved_form import ConservedForm

Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CompletedRun:
    """What the bound is made of: the iterate, with its step size η and loss L, and the completed state.

    `exponent` is s of û±² = u±²·e^(±s); `sharpness` is that of the completed state, `moment` is max_i Ê[x_i²] and
    `largest_moment` is ‖X‖²/N.
    """

    iterate: ConservedForm
    completed: ConservedForm
    exponent: Vector
    step_size: float
    loss: float
    sharpness: float
    moment: float
    largest_moment: float
    projector: ObliqueProjector

    @property
    def divergence(self) -> float:
        """V, which decreases along flow, and along descent where the theorem holds."""
        return _divergence(self.iterate, self.exponent)

    @property
    def largest_sharpness(self) -> float:
        """λ̄ of step 1 of the proof: no sharpness is larger as long as the divergence has not grown."""
        return float((np.sqrt(self.sharpness) + 2 * np.sqrt(self.moment * self.divergence)) ** 2)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Confinement:
    """Steps 1 to 3 of the proof: how far the rest of the run can stray, all of it in ∞ where a hypothesis fails.

    `radius` is √V, within which ‖|θ_s| − |θ̂|‖₂ stays; `step` ≥ |x| of every step and coordinate; `energy` ≥ Σ_s Σ_i
    c_i(s)·x_{s,i}²; `squares` ≥ Σ_s x_{s,i}² for each coordinate and `all_squares` for their sum.
    """

    radius: float
    step: float
    energy: float
    squares: float
    all_squares: float

    @classmethod
    def of(cls, run: CompletedRun) -> Self | None:
        """None where a hypothesis of the theorem fails."""
        divergence = run.divergence
        radius, step = np.sqrt(divergence), 2 * run.step_size * np.sqrt(2 * run.moment * run.loss)
        largest = run.largest_sharpness
        if not step < 1:
            return None
        descent = 1 - run.step_size * largest / 2 - step / 2 * (1 + step / 2)
        growth = 1 + 2 / 3 * step / (1 - step)
        decrease = 1 - run.step_size * (largest + growth * run.sharpness) / 4
        if not (descent > 0 and decrease > 0):
            return None
        unit = run.step_size * divergence / decrease
        if not run.moment * unit < 1:
            return None
        return cls(
            radius=float(radius),
            step=float(step),
            energy=float(run.step_size * run.loss / descent),
            squares=float(run.moment * unit),
            all_squares=float(run.largest_moment * unit),
        )


def proven_distance(run: CompletedRun) -> float:
    """The bound of ‖β_limit − β̂‖₂, ∞ where nothing is proven. Cost O(d)."""
    confined = Confinement.of(run)
    if confined is None:
        return np.inf
    weights, product = run.completed.weights, np.abs(run.iterate.theta[0] * run.iterate.theta[1])
    least = np.maximum(
        2 * product * (1 - confined.squares), np.square(np.maximum(np.sqrt(weights) - confined.radius, 0))
    )
    cubic = 2 / 3 * confined.step
    ratio = float(((np.abs(run.completed.predictor) + cubic * weights) / least).max())
    energy = confined.energy / (1 - confined.step**2)
    growth = (1 + cubic) * confined.all_squares / (1 - confined.step**2)

    def image(distance: float) -> float:
        """The bound that follows when the path of interpolators stays within `distance` of β̂: step 5 of the proof."""
        change = distance + energy / (1 - confined.squares)
        room = 1 - run.projector.stiffness * change
        return run.projector.norm * (ratio * energy + growth * distance) / room if room > 0 else np.inf

    distance = 2 * run.projector.norm * ratio * energy
    if not image(distance) <= distance:
        return np.inf
    return image(image(distance))


def _divergence(state: ConservedForm, exponent: Vector) -> float:
    """V = Σ_i Σ_± [û² ln(û²/u²) − û² + u²], each term u²·φ(±s) with φ(s) = e^s(s − 1) + 1 = ∫₀^s t·e^t dt."""
    signed = np.stack([exponent, -exponent])
    with np.errstate(all="ignore"):
        # below 1e-3 the differences lose digits, and ½s²·e^max(s, 0) ≥ φ is close
        small = np.square(signed) / 2 * np.exp(np.maximum(signed, 0))
        exact = np.exp(signed) * (signed - 1) + 1
    return float((np.square(state.theta) * np.where(np.abs(signed) < 1e-3, small, exact)).sum())
