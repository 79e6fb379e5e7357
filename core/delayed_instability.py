"""The delayed loss of stability of a run that interpolates while its step size is still growing.

Near an interpolator of sharpness λ the residual along the top eigenvector is multiplied by 1 − η_tλ at each step. While
η_tλ < 2 it decays; once η_tλ > 2 it grows again, and the run is free when it has won back what it had lost. Floating
point cannot follow this: updates below half a unit of 1 ∓ x are lost, so the run freezes on an interpolator that has
become unstable, and rounding noise lets it go at a moment that the last bit of α decides, or never. So a run whose loss
is down to rounding is held where it is until the step at which its residual would be back at that size, and is kicked
then; or until the warm-up is over, when it is judged like any other. Derived here.
"""

import math
from typing import Final

import numpy as np
from jaxtyping import Float64

ROUNDING_FACTOR: Final = 64.0
"""How many units of rounding of |X||β| + |y| still count as rounding in Xβ − y."""


def rounding_loss(
    X: Float64[np.ndarray, "sample dim"], y: Float64[np.ndarray, " sample"], predictor: Float64[np.ndarray, " dim"]
) -> float:
    """The loss below which Xβ − y is rounding noise: ½·mean((64·ε·(|X||β| + |y|))²) with ε the unit of float64."""
    noise = ROUNDING_FACTOR * np.finfo(np.float64).eps * (np.abs(X) @ np.abs(predictor) + np.abs(y))
    return float(noise @ noise) / (2 * len(y))


def release_step(*, step_size: float, warmup_steps: int, step: int, sharpness: float) -> int:
    """The step until which a run that interpolates after `step` steps stays where it is; `warmup_steps` at most.

    With z_t = η_tλ growing linearly the residual's exponent Σ ln|1 − z_t| is (W/ηλ)·[F(z) − F(z_now)], where
    F(z) = (z − 1)·ln|z − 1| − z falls up to z = 2 and rises beyond: the run is free where F is back at F(z_now). A run
    that is unstable already (z_now ≥ 2) is free at once.
    """
    final = step_size * sharpness
    now = final * step / warmup_steps
    if now >= 2:
        return step
    if final <= 2 or _exponent(final) <= _exponent(now):
        return warmup_steps
    low, high = 2.0, final
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _exponent(middle) <= _exponent(now) else (low, middle)
    return math.ceil(warmup_steps * high / final)


def _exponent(z: float) -> float:
    return (z - 1) * math.log(abs(z - 1) or 1.0) - z
