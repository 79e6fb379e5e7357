"""How a coordinate's β and c = |β|^p follow from its price w and slope s on the central path, and respond to them.

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

    Δβ gains `predictor`, and coupling·Δs + root·Δw loses `load`.
    """

    predictor: Vector
    load: Vector


class CoordinateLaw(Protocol):
    """The law of one power p.

    `parts` are variables of its own, paired with the nonnegative `slack` that is linear in (w, s): on the central path
    every parts·slack is the same small number. A law that needs none has zero rows of both.
    """

    @property
    def linear(self) -> bool:
        """Whether β and c are linear in the parts, and depend on nothing else."""
        ...

    def start(self, programme: SpectralProgramme, prices: Vector) -> tuple[Parts, Float64[np.ndarray, " rank"]]:
        """Parts and multipliers to begin with."""
        ...

    def slack(self, prices: Vector, slopes: Vector) -> Parts:
        """What is paired with the parts; linear, so that it maps steps to steps."""
        ...

    def values(self, parts: Parts, prices: Vector, slopes: Vector) -> tuple[Vector, Vector]:
        """β and c."""
        ...

    def response(self, parts: Parts, prices: Vector, slopes: Vector) -> Response:
        """The linear response."""
        ...

    def offset(self, parts: Parts, slack: Parts, pull: Parts) -> Offset:
        """The offset under which parts change by `pull` − (parts/slack)·Δslack."""
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

    def start(self, programme: SpectralProgramme, prices: Vector) -> tuple[Parts, Float64[np.ndarray, " rank"]]:
        """The least Σ w_iβ_i², each part away from zero in proportion to 1/w; s = 0, so parts·slack differ little."""
        nearest = programme.basis @ ridged_solution(programme.basis, 1 / prices, programme.target)  # w∘β
        parts = np.stack([np.maximum(nearest, 0), np.maximum(-nearest, 0)]) + np.abs(nearest).mean()
        return parts / prices, np.zeros_like(programme.target)

    def slack(self, prices: Vector, slopes: Vector) -> Parts:
        """(w − s, w + s)."""
        return np.stack([prices - slopes, prices + slopes])

    def values(self, parts: Parts, _: Vector, __: Vector) -> tuple[Vector, Vector]:
        """β₊ − β₋ and β₊ + β₋."""
        return parts[0] - parts[1], parts[0] + parts[1]

    def response(self, parts: Parts, prices: Vector, slopes: Vector) -> Response:
        """With h± = β±/(w ∓ s): ∂β/∂s = ∂c/∂(−w) = h₊ + h₋ and ∂β/∂w = h₋ − h₊."""
        plus, minus = parts / self.slack(prices, slopes)
        total = plus + minus
        return Response(
            direct=4 * plus * minus / total,  # what is left of h₊ + h₋ after the square of the coupling
            coupling=(minus - plus) / np.sqrt(total),
            root=np.sqrt(total),
        )

    def offset(self, parts: Parts, slack: Parts, pull: Parts) -> Offset:
        """The pull on c is given to the load as a change of w: c itself moves little where h is large."""
        plus, minus = parts / slack
        total = plus + minus
        return Offset(
            predictor=2 * (minus * pull[0] - plus * pull[1]) / total,
            load=(pull[0] + pull[1]) / np.sqrt(total),
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
        """They are powers of slopes over prices."""
        return False

    def start(self, programme: SpectralProgramme, prices: Vector) -> tuple[Parts, Float64[np.ndarray, " rank"]]:
        """The multipliers of the least Σ w_i|β_i|^p."""
        multipliers = least_multipliers(programme.basis, programme.target, prices, self.power)
        return self._none(prices), multipliers

    def slack(self, prices: Vector, _: Vector) -> Parts:
        """Nothing to pair."""
        return self._none(prices)

    def values(self, _: Parts, prices: Vector, slopes: Vector) -> tuple[Vector, Vector]:
        """β and |β|^p."""
        predictor = predictor_at(slopes, prices, self.power)
        return predictor, np.abs(predictor) ** self.power

    def response(self, _: Parts, prices: Vector, slopes: Vector) -> Response:
        """∂β/∂s, and ∂β/∂w = −(s/w)·∂β/∂s because β depends on s/w alone."""
        coupling = np.sqrt(response_at(slopes, prices, self.power))
        return Response(
            direct=np.zeros_like(prices),
            coupling=-np.sign(slopes) * coupling,
            root=coupling * np.abs(slopes) / prices,
        )

    def offset(self, _: Parts, slack: Parts, __: Parts) -> Offset:
        """None."""
        zero = np.zeros(slack.shape[1])
        return Offset(predictor=zero, load=zero)

    def parts_of(self, predictor: Vector, _: Vector) -> Parts:
        """None."""
        return self._none(predictor)

    def _none(self, like: Vector) -> Parts:
        return np.zeros((0, like.size))


def coordinate_law(power: float) -> CoordinateLaw:
    """The law of |β|^p."""
    return KinkedLaw() if power == 1 else SmoothLaw(power)
