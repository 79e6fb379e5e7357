"""The compiled library: found beside this file, loaded once, its functions declared."""

import ctypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("libdescent.so")
"""Made when the package is installed (`hatch_build.py`), of the sources beside it."""

VERSION: Final = 3
"""Part of the kernel id: a change of what the library's numbers are changes it."""


class Batch(ctypes.Structure):
    """`batch` of descent.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("samples", "dim", "lanes", "rows", "dims", "network", "depth")),
        *((name, ctypes.c_void_p) for name in ("by_sample", "by_dim", "tiles", "minus_targets")),
        *((name, ctypes.c_void_p) for name in ("theta", "velocity", "residual_sum", "predictor")),
        *((name, ctypes.c_void_p) for name in ("residual", "gradient")),
        ("nesterov", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("ascent", "second", "curvature", "cubic")),
        *((name, ctypes.c_void_p) for name in ("squares_by_sample", "cubes_by_sample", "fourths_by_sample")),
        *((name, ctypes.c_void_p) for name in ("squares_by_dim", "cubes_by_dim")),
        *((name, ctypes.c_void_p) for name in ("predictor_sum", "weight_sum")),
    )


class Stretch(ctypes.Structure):
    """`stretch` of descent.c."""

    _fields_ = (
        ("steps", ctypes.c_int64),
        ("coefficients", ctypes.c_void_p),
        ("coefficient_stride", ctypes.c_int64),
        ("kept", ctypes.c_void_p),
        ("kept_stride", ctypes.c_int64),
        ("shift", ctypes.c_void_p),
        ("weight", ctypes.c_void_p),
        ("start", ctypes.c_int64),
        ("interval", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("losses", "low", "low_from", "calm", "calm_until", "high")),
        ("alarmed", ctypes.c_int64),
        ("shrink", ctypes.c_void_p),
        ("shrink_stride", ctypes.c_int64),
        ("pull", ctypes.c_void_p),
        ("pull_stride", ctypes.c_int64),
        ("rho", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("by_samples", "normalized")),
        ("parameters", ctypes.c_void_p),
        *((f"parameters_{axis}", ctypes.c_int64) for axis in ("step", "part", "lane")),
        *((name, ctypes.c_void_p) for name in ("floor", "lowest", "grew_at")),
        ("least", ctypes.c_double),
    )


class Minibatches(ctypes.Structure):
    """`minibatches` of minibatches.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("samples", "rows", "lanes", "start", "steps", "block", "together")),
        ("backwards", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("kind", "size", "key", "weight", "tied", "drawn", "order", "count")),
        ("digits", ctypes.c_int64),
    )


class Normals(ctypes.Structure):
    """`normals` of normals.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("entries", "lanes", "steps", "start", "block")),
        *((name, ctypes.c_int64) for name in ("step_stride", "lane_stride")),
        *((name, ctypes.c_void_p) for name in ("place", "first", "end", "scale", "key", "noise")),
    )


class FactoredLoss(ctypes.Structure):
    """`factored_loss` of sharpness.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("rows", "dim", "dims", "network", "depth", "exponent", "trapezoidal")),
        ("tolerance", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in ("factor", "target", "ones", "everywhere", "work")),
    )


class LogDescent(ctypes.Structure):
    """`log_descent` of strides.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("dim", "dims", "rank", "ranks")),
        *((name, ctypes.c_void_p) for name in ("by_rank", "by_dim", "target", "shares", "work")),
    )


class StepSums(ctypes.Structure):
    """`step_sums` of strides.c."""

    _fields_ = (
        ("steps", ctypes.c_double),
        *((name, ctypes.c_double * 3) for name in ("nodes", "checks")),
        *((name, ctypes.c_double * 9) for name in ("coefficients", "to_nodes", "at_checks", "to_checks")),
        ("missed", ctypes.c_double * 3),
    )


class NewtonLimits(ctypes.Structure):
    """`newton_limits` of strides.c."""

    _fields_ = (("solved", ctypes.c_double), ("farthest", ctypes.c_double), ("most", ctypes.c_int64))


class Stride(ctypes.Structure):
    """`stride` of strides.c."""

    _fields_ = (
        *((name, ctypes.c_double) for name in ("rate", "level", "slope")),
        ("continued", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("before", "past", "over", "start", "limit")),
        *((name, ctypes.c_void_p) for name in ("states", "pace", "moved", "modes")),
        *((name, ctypes.c_double) for name in ("distance", "along", "least", "step")),
    )


@dataclass(frozen=True, slots=True)
class Library:
    """The loaded library; `kernels` are the instruction sets that this machine has, best first, by their number."""

    functions: ctypes.CDLL
    kernels: dict[str, int]


@cache
def library() -> Library | None:
    """The library, or None where it was not compiled, does not load here, or was compiled from another source."""
    i64, pointer = ctypes.c_int64, ctypes.c_void_p
    try:
        functions = ctypes.CDLL(str(FILE))
        functions.stepbias_layout.restype = i64
        if functions.stepbias_layout() != VERSION * 1_000_000 + ctypes.sizeof(Batch) * 1000 + ctypes.sizeof(Stretch):
            return None
        for layout, expected in (
            (functions.stepbias_sharpness_layout, ctypes.sizeof(FactoredLoss)),
            (functions.stepbias_strides_layout, _layout(LogDescent, StepSums, NewtonLimits, Stride)),
            (functions.stepbias_minibatches_layout, ctypes.sizeof(Minibatches)),
            (functions.stepbias_normals_layout, ctypes.sizeof(Normals)),
        ):
            layout.restype = i64
            if layout() != expected:
                return None
    except (OSError, AttributeError):
        return None
    functions.stepbias_kernels.restype = i64
    functions.stepbias_kernel_name.argtypes, functions.stepbias_kernel_name.restype = [i64], ctypes.c_char_p
    functions.stepbias_packed_size.argtypes, functions.stepbias_packed_size.restype = [i64, i64, i64], i64
    functions.stepbias_pack.argtypes, functions.stepbias_pack.restype = [i64, pointer, i64, i64, pointer], None
    functions.stepbias_losses.argtypes = [i64, ctypes.POINTER(Batch), pointer]
    functions.stepbias_losses.restype = None
    functions.stepbias_advance.argtypes = [i64, ctypes.POINTER(Batch), ctypes.POINTER(Stretch)]
    functions.stepbias_advance.restype = i64
    minibatches = ctypes.POINTER(Minibatches)
    functions.stepbias_draw_minibatches.argtypes, functions.stepbias_draw_minibatches.restype = [minibatches], None
    functions.stepbias_choose_least.argtypes, functions.stepbias_choose_least.restype = [minibatches], i64
    functions.stepbias_draw_normals.argtypes = [ctypes.POINTER(Normals)]
    functions.stepbias_draw_normals.restype = None
    functions.stepbias_sharpness_work.argtypes, functions.stepbias_sharpness_work.restype = [i64], i64
    functions.stepbias_sharpness.argtypes = [i64, ctypes.POINTER(FactoredLoss), pointer, i64, pointer]
    functions.stepbias_sharpness.restype = None
    functions.stepbias_strides_work.argtypes, functions.stepbias_strides_work.restype = [i64, i64], i64
    descent, limits, stride = ctypes.POINTER(LogDescent), ctypes.POINTER(NewtonLimits), ctypes.POINTER(Stride)
    functions.stepbias_stride.argtypes, functions.stepbias_stride.restype = [i64, descent, limits, stride], i64
    names = {number: functions.stepbias_kernel_name(number) for number in range(functions.stepbias_kernels())}
    return Library(functions, {name.decode(): number for number, name in names.items() if name})


def _layout(*structures: type[ctypes.Structure]) -> int:
    """Their sizes as digits of one number."""
    return sum(ctypes.sizeof(each) * 1000**place for place, each in enumerate(reversed(structures)))
