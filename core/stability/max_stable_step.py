"""The largest stable step size η* of gradient descent."""

import math


def max_stable_step(sharpness: float) -> float:
    """2/λ, at and above which a minimum of the loss with λ_max(∇²L) = λ is unstable; infinite for λ = 0.

    At the least sharpness of all interpolators this is η*: beyond it gradient descent cannot converge to any of them.
    That of an optimiser with another stability limit is a multiple of it.
    """
    return 2 / sharpness if sharpness > 0 else math.inf
