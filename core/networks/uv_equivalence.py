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


def moved_along_flow(
    theta: Float64[np.ndarray, "4 *run dim"], exponent: Float64[np.ndarray, "*run dim"]
) -> Float64[np.ndarray, "4 *run dim"]:
    """The parameters that flow reaches with s = `exponent`: those whose squared model has u₊ and u₋ times e^(±s/2).

    a₊ and b₋ grow by e^(s/2), b₊ and a₋ shrink by it: (u₊, v₊) and (u₋, v₋) turn hyperbolically by ±s/2.
    """
    even, odd = np.cosh(exponent / 2), np.sinh(exponent / 2)
    turned = np.concatenate([theta[2:], theta[:2]]) * np.array([1.0, -1.0, 1.0, -1.0]).reshape(
        4, *(theta.ndim - 1) * [1]
    )
    moved: Float64[np.ndarray, "4 *run dim"] = theta * even + turned * odd
    return moved
