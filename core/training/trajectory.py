"""The recorded curves of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

QUANTITIES: Final = ("train_loss", "excess_risk", "test_loss", "l1_norm", "effective_init", "sharpness")
"""The curves of a run, each against `record_step`."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trajectory:
    """The recorded curves of one run: `curves[name][k]` is the quantity after `record_step[k]` steps.

    `vectors[name][k]` is one of all coordinates there, by the names of `core.training.recorded_vectors`. Where there
    are any, `time` has Σ η_t of the steps up to each record, and is empty else.
    """

    record_step: Int64[np.ndarray, " record"]
    curves: Mapping[str, Float64[np.ndarray, " record"]]
    time: Float64[np.ndarray, " timed"] = field(default_factory=lambda: np.empty(0))
    vectors: Mapping[str, Float64[np.ndarray, "record dim"]] = field(default_factory=dict)


def trajectory(
    steps: Int64[np.ndarray, " record"],
    values: Float64[np.ndarray, "record quantity"],
    *,
    time: Float64[np.ndarray, " timed"] | None = None,
    vectors: Float64[np.ndarray, "timed vector dim"] | None = None,
    names: Sequence[str] = (),
) -> Trajectory:
    """The curves of one run from its recorded rows, and its vectors by `names`."""
    curves = {name: values[:, column].copy() for column, name in enumerate(QUANTITIES)}
    if time is None or vectors is None or not names:
        return Trajectory(record_step=steps.copy(), curves=MappingProxyType(curves))
    named = {name: vectors[:, place].copy() for place, name in enumerate(names)}
    return Trajectory(
        record_step=steps.copy(), curves=MappingProxyType(curves), time=time.copy(), vectors=MappingProxyType(named)
    )
