"""The delayed loss of stability of a run that interpolates while its step size is still growing.

Near an interpolator the residual along the top eigenvector of the Gram matrix, of eigenvalue λ, is multiplied by
1 − η_tλ at each step. While η_tλ < 2 it decays; beyond, it grows again, with its sign turning at each step. Nothing
else feeds it: what the second order of a step leaves in it follows the other modes smoothly and does not alternate. So
the run leaves the interpolator when it has won back all that it lost since it came near, which takes long.

Floating point cannot follow this. Steps below half a unit of 1 ∓ x are lost, so the run freezes where it is, and
rounding noise, many powers of ten too large, sets it free at a moment that the last bit of α decides, or never. So a
run whose residual has become small is held where it is until the step at which the exact one would be back. Derived
here.
"""

import math
from typing import Final

NEAR: Final = 1e-6
"""Loss, relative to ½Ê[y²], below which a run is near its interpolator, and its modes evolve by themselves."""

HOLD_BELOW: Final = 1e-22
"""Loss, relative to ½Ê[y²], below which a warming run is held: a residual of 1e-11, which float64 still resolves."""


def release_step(*, step_size: float, warmup_steps: int, near_since: int, sharpness: float) -> int:
    """The step until which a run that has been near its interpolator since `near_since` stays where it is.

    With z = η_tλ growing linearly the exponent Σ ln|1 − z| is (W/ηλ)·[F(z) − F(z_since)], where
    F(z) = (z − 1)·ln|z − 1| − z falls up to z = 2 and rises beyond: the run is free where F is back at F(z_since). At
    most `warmup_steps`, when the run is judged at full step size like any other; `near_since` itself where the
    interpolator was unstable already then.
    """
    final = step_size * sharpness
    since = final * near_since / warmup_steps
    if since >= 2:
        return near_since
    if final <= 2 or _exponent(final) <= _exponent(since):
        return warmup_steps
    low, high = 2.0, final
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _exponent(middle) <= _exponent(since) else (low, middle)
    return math.ceil(warmup_steps * high / final)


def _exponent(z: float) -> float:
    return (z - 1) * math.log(abs(z - 1) or 1.0) - z
