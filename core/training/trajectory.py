"""The recorded curves of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

QUANTITIES: Final = ("train_loss", "excess_risk", "test_loss", "l1_norm", "effective_init", "sharpness")
"""The curves of a run, each against `record_step`."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trajectory:
    """The recorded curves of one run: `curves[name][k]` is the quantity after `record_step[k]` steps."""

    record_step: Int64[np.ndarray, " record"]
    curves: Mapping[str, Float64[np.ndarray, " record"]]


def trajectory(steps: Int64[np.ndarray, " record"], values: Float64[np.ndarray, "record quantity"]) -> Trajectory:
    """The curves of one run from its recorded rows."""
    curves = {name: values[:, column].copy() for column, name in enumerate(QUANTITIES)}
    return Trajectory(record_step=steps.copy(), curves=MappingProxyType(curves))
