"""The normal noise of a batch of runs drawn in C, bit for bit as `core.descent.optimizers` has NumPy draw it."""

import ctypes
from collections.abc import Sequence
from functools import cache

import numpy as np
from jaxtyping import Float64, Int64

from core.descent.native import library as native
from core.descent.native.arrays import address
from core.descent.optimizers import LabelNoise, Optimizer, ParameterNoise
from core.randomness import counter_key, counter_stream


class NativeNormals:
    """What is added to targets or parameters at the steps of some runs, drawn for all of them at once."""

    def __init__(
        self,
        optimizers: Sequence[Optimizer],
        seeds: Sequence[int],
        places: Int64[np.ndarray, " entry"],
        *,
        block: int,
        purpose: str,
    ) -> None:
        """Of each run and step there are as many numbers as `places`, which say where its rows have them.

        `block`: steps that are drawn in one go, `purpose` the name of the stream.
        """
        found = native.library()
        if found is None:
            raise RuntimeError("the native kernel is not compiled here")
        self._functions = found.functions
        spans = np.array([_span(optimizer) for optimizer in optimizers], dtype=np.int64).reshape(-1, 2)
        self._arrays: dict[str, np.ndarray] = {
            "place": np.ascontiguousarray(places, dtype=np.int64),
            "first": np.ascontiguousarray(spans[:, 0]),
            "end": np.ascontiguousarray(spans[:, 1]),
            "scale": np.sqrt([_variance(optimizer) for optimizer in optimizers]),
            "key": np.array([counter_key(seed, purpose) for seed in seeds], dtype=np.uint64),
        }
        self._normals = native.Normals(
            entries=len(places),
            lanes=len(seeds),
            block=block,
            **{name: address(array) for name, array in self._arrays.items()},
        )

    def write(self, start: int, noise: Float64[np.ndarray, "step ..."], lane_axis: int) -> None:
        """Write the noise of the steps from `start` on, whole blocks; the rest of the rows stays as it is."""
        self._normals.start, self._normals.steps, self._normals.noise = start, len(noise), address(noise)
        self._normals.step_stride, self._normals.lane_stride = (noise.strides[axis] // 8 for axis in (0, lane_axis))
        self._functions.stepbias_draw_normals(ctypes.byref(self._normals))


@cache
def draws_normals_as_numpy() -> bool:
    """Whether there is a library, and the NumPy at hand draws as it does: its streams may change with its version.

    Compared are as many numbers as have some beyond the widest layer of the ziggurat, too.
    """
    if native.library() is None:
        return False
    noise, steps, entries = LabelNoise(noise_variance=2.0, noise_steps=9, noise_from=2), np.arange(8), 2**11
    drawn = np.zeros((len(steps), 1, entries))
    NativeNormals([noise], [3], np.arange(entries), block=len(steps), purpose="trial").write(0, drawn, 1)
    expected = noise.noise(counter_stream(3, "trial", 0), steps, entries)
    return drawn.tobytes() == expected.tobytes()


def _span(optimizer: Optimizer) -> tuple[int, int]:
    return optimizer.noise_from if isinstance(optimizer, LabelNoise) else 0, optimizer.noise_steps


def _variance(optimizer: Optimizer) -> float:
    if isinstance(optimizer, LabelNoise):
        return optimizer.noise_variance
    return optimizer.variance if isinstance(optimizer, ParameterNoise) else 0.0
