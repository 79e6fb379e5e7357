"""Step-size schedules."""

import numpy as np
from jaxtyping import Float64, Int64


def warmed_up(
    step_size: Float64[np.ndarray, " run"], warmup_steps: Int64[np.ndarray, " run"], start: int, stop: int
) -> Float64[np.ndarray, "step run"]:
    """η_t = η·min(1, (t+1)/W) for start ≤ t < stop (section 7 of the paper); W = 0 means no warm-up."""
    t = np.arange(start, stop)[:, None]
    ramp = (t + 1) / np.maximum(warmup_steps, 1)
    schedule: Float64[np.ndarray, "step run"] = step_size * np.minimum(1.0, ramp)
    return schedule
