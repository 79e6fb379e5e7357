"""The UV model as a squared model: an exact map of its parameters, at every step (SCIENCE of finite steps, D = 2)."""

import numpy as np
from jaxtyping import Float64


def equivalent_squared_model(theta: Float64[np.ndarray, "4 *run dim"]) -> Float64[np.ndarray, "2 *run dim"]:
    """u₊ = ½√(a₊²+b₋²), u₋ = ½√(b₊²+a₋²) with a = u + v and b = u − v: the same β, and the same after every step.

    A step of UV gradient descent multiplies a₊ and b₋ by 1 − ηg, b₊ and a₋ by 1 + ηg: it is the step of the squared
    model at η/2. The sharpness of UV is half that of the squared model.
    """
    a, b = theta[:2] + theta[2:], theta[:2] - theta[2:]
    return np.stack([np.hypot(a[0], b[1]) / 2, np.hypot(b[0], a[1]) / 2])
