"""The numbers of a problem: the data that its runs are trained on, and its reference interpolators."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from core.data.regression import Dataset
from core.results.labelled_arrays import LabelledArrays, Meaning

_COORDINATE: Final = ("coordinate",)

DATA: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "X": Meaning(
            dims=("sample", "coordinate"), symbol="X", description="The training samples, a row each, as trained on."
        ),
        "y": Meaning(dims=("sample",), symbol="y", description="Their targets."),
        "true_predictor": Meaning(dims=_COORDINATE, symbol="β*", description="The true predictor, where it is known."),
        "held_out_X": Meaning(
            dims=("held_out_sample", "coordinate"), symbol="", description="Samples that are never trained on."
        ),
        "held_out_y": Meaning(dims=("held_out_sample",), symbol="", description="Their targets."),
    }
)
"""The arrays of a data set: as it was drawn, or as it was given and then shifted by the spec's transform."""

INTERPOLATORS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "min_l1": Meaning(dims=_COORDINATE, symbol="", description="The β of least ‖β‖₁ with Xβ = y."),
        "min_l2": Meaning(dims=_COORDINATE, symbol="", description="The β of least ‖β‖₂ with Xβ = y."),
        "least_trace": Meaning(
            dims=_COORDINATE,
            symbol="",
            description="The β of least Σ c(β)_iÊ[x_i²] with Xβ = y, c the least tangent weights of the network.",
        ),
        "least_stability_measure": Meaning(
            dims=_COORDINATE, symbol="", description="The β of least Σ c(β)_i(Êx_i)² with Xβ = y."
        ),
        "flattest": Meaning(
            dims=_COORDINATE,
            symbol="",
            description="The β of least sharpness with Xβ = y, up to the gap that the analysis states.",
        ),
        "least_parameter_norm": Meaning(
            dims=_COORDINATE,
            symbol="",
            description="At depth D ≥ 3, a β of locally least Σ|β_i|^(2/D) with Xβ = y: a vertex, not proven least.",
        ),
    }
)
"""The reference interpolators of a problem, as the analysis names them."""


def data_of(dataset: Dataset, attrs: Mapping[str, Any]) -> LabelledArrays:
    """X, y, and what else is known of the data set."""
    known = {"X": dataset.X, "y": dataset.y, "true_predictor": dataset.true_predictor}
    if dataset.held_out is not None:
        known |= {"held_out_X": dataset.held_out.X, "held_out_y": dataset.held_out.y}
    arrays = {name: array for name, array in known.items() if array is not None}
    return LabelledArrays(arrays=arrays, meanings=DATA, attrs={**attrs, "digest": dataset.digest})


def interpolators_of(predictors: Mapping[str, Float64[np.ndarray, " dim"]], attrs: Mapping[str, Any]) -> LabelledArrays:
    """The interpolators in the order of their table."""
    arrays = {name: predictors[name] for name in INTERPOLATORS if name in predictors}
    return LabelledArrays(arrays=arrays, meanings=INTERPOLATORS, attrs=attrs)
