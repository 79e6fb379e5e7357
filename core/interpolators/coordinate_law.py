"""How a coordinate's β and c = |β|^p follow from its dual weight w and subgradient s on the central path.

The conjugate ψ(s, w) of w|β|^p gives β = ∂ψ/∂s and c = −∂ψ/∂w. Each law is linearised as
Δβ = (direct + coupling²)·Δs + coupling·root·Δw, Δc = −coupling·root·Δs − root²·Δw, the Hessian of a convex ψ.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float64

from core.data.normal_equations import ridged_solution
from core.interpolators.power_norm import least_multipliers, predictor_at, response_at
from core.interpolators.spectral_programme import SpectralProgramme

Parts = Float64[np.ndarray, "part dim"]
Vector = Float64[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Response:
    """The linear response of a law at one point, coordinate by coordinate; `root` and `direct` are not negative."""

    direct: Vector
    coupling: Vector
    root: Vector


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Offset:
    """What a step adds to the linear response so that parts·slack meets its target.

    Δβ gains `predictor`, and coupling·Δs + root·Δw loses `rhs_coordinates`.
    """

    predictor: Vector
    rhs_coordinates: Vector


class CoordinateLaw(Protocol):
    """The law of one power p.

    `parts` are variables of its own, paired with the nonnegative `slack` that is linear in (w, s): on the central path
    every parts·slack is the same small number. A law that needs none has zero rows of both.
    """

    @property
    def linear(self) -> bool:
        """Whether β and c are linear in the parts, and depend on nothing else."""
        ...

    def start(self, programme: SpectralProgramme, weights: Vector) -> tuple[Parts, Float64[np.ndarray, " rank"]]:
        """Parts and multipliers of the first point, for its dual weights."""
        ...

    def slack(self, weights: Vector, subgradient: Vector) -> Parts:
        """What is paired with the parts; linear, so that it maps steps to steps."""
        ...

    def values(self, parts: Parts, weights: Vector, subgradient: Vector) -> tuple[Vector, Vector]:
        """β and c."""
        ...

    def response(self, parts: Parts, weights: Vector, subgradient: Vector) -> Response:
        """The linear response."""
        ...

    def offset(self, parts: Parts, slack: Parts, rhs_parts: Parts) -> Offset:
        """The offset under which parts change by `rhs_parts` − (parts/slack)·Δslack."""
        ...

    def parts_of(self, predictor: Vector, tangent_weights: Vector) -> Parts:
        """The parts with this β and c; linear, so that it maps steps to steps."""
        ...


@dataclass(frozen=True, slots=True)
class KinkedLaw:
    """p = 1: β = β₊ − β₋ and c = β₊ + β₋ with β± ≥ 0, paired with w ∓ s ≥ 0."""

    @property
    def linear(self) -> bool:
        """They are sums of the parts."""
        return True

    def start(self, programme: SpectralProgramme, weights: Vector) -> tuple[Parts, Float64[np.ndarray, " rank"]]:
        """The least Σ w_iβ_i², each part away from zero in proportion to 1/w; s = 0, so parts·slack differ little."""
        nearest = programme.basis @ ridged_solution(programme.basis, 1 / weights, programme.target)  # w∘β
        parts = np.stack([np.maximum(nearest, 0), np.maximum(-nearest, 0)]) + np.abs(nearest).mean()
        return parts / weights, np.zeros_like(programme.target)

    def slack(self, weights: Vector, subgradient: Vector) -> Parts:
        """(w − s, w + s)."""
        return np.stack([weights - subgradient, weights + subgradient])

    def values(self, parts: Parts, _: Vector, __: Vector) -> tuple[Vector, Vector]:
        """β₊ − β₋ and β₊ + β₋."""
        return parts[0] - parts[1], parts[0] + parts[1]

    def response(self, parts: Parts, weights: Vector, subgradient: Vector) -> Response:
        """With h± = β±/(w ∓ s): ∂β/∂s = ∂c/∂(−w) = h₊ + h₋ and ∂β/∂w = h₋ − h₊."""
        plus, minus = parts / self.slack(weights, subgradient)
        total = plus + minus
        return Response(
            direct=4 * plus * minus / total,  # what is left of h₊ + h₋ after the square of the coupling
            coupling=(minus - plus) / np.sqrt(total),
            root=np.sqrt(total),
        )

    def offset(self, parts: Parts, slack: Parts, rhs_parts: Parts) -> Offset:
        """What is asked of c goes to the right-hand side, as a change of w: c moves little where h is large."""
        plus, minus = parts / slack
        total = plus + minus
        return Offset(
            predictor=2 * (minus * rhs_parts[0] - plus * rhs_parts[1]) / total,
            rhs_coordinates=(rhs_parts[0] + rhs_parts[1]) / np.sqrt(total),
        )

    def parts_of(self, predictor: Vector, tangent_weights: Vector) -> Parts:
        """((c + β)/2, (c − β)/2)."""
        return np.stack([tangent_weights + predictor, tangent_weights - predictor]) / 2


@dataclass(frozen=True, slots=True)
class SmoothLaw:
    """1 < p < 2: β = sgn(s)(|s|/(p·w))^(1/(p−1)) exactly, so there are no parts; ψ has a Hessian of rank one."""

    power: float

    @property
    def linear(self) -> bool:
        """They are powers of s/w."""
        return False

    def start(self, programme: SpectralProgramme, weights: Vector) -> tuple[Parts, Float64[np.ndarray, " rank"]]:
        """The multipliers of the least Σ w_i|β_i|^p."""
        multipliers = least_multipliers(programme.basis, programme.target, weights, self.power)
        return self._none(weights), multipliers

    def slack(self, weights: Vector, _: Vector) -> Parts:
        """No rows: β and c follow from w and s alone."""
        return self._none(weights)

    def values(self, _: Parts, weights: Vector, subgradient: Vector) -> tuple[Vector, Vector]:
        """β and |β|^p."""
        predictor = predictor_at(subgradient, weights, self.power)
        return predictor, np.abs(predictor) ** self.power

    def response(self, _: Parts, weights: Vector, subgradient: Vector) -> Response:
        """∂β/∂s, and ∂β/∂w = −(s/w)·∂β/∂s because β depends on s/w alone."""
        coupling = np.sqrt(response_at(subgradient, weights, self.power))
        return Response(
            direct=np.zeros_like(weights),
            coupling=-np.sign(subgradient) * coupling,
            root=coupling * np.abs(subgradient) / weights,
        )

    def offset(self, _: Parts, slack: Parts, __: Parts) -> Offset:
        """Zeros: the linear response is the whole step."""
        zero = np.zeros(slack.shape[1])
        return Offset(predictor=zero, rhs_coordinates=zero)

    def parts_of(self, predictor: Vector, _: Vector) -> Parts:
        """No rows."""
        return self._none(predictor)

    def _none(self, like: Vector) -> Parts:
        return np.zeros((0, like.size))


def coordinate_law(power: float) -> CoordinateLaw:
    """The law of |β|^p."""
    return KinkedLaw() if power == 1 else SmoothLaw(power)
