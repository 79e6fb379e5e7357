"""Labelled arrays as an answer: JSON, or the bytes of an .npz file."""

from typing import Final

from fastapi import Response
from fastapi.responses import JSONResponse

from api.contract.parts import files
from core.exports.format import Format
from core.results.labelled_arrays import LabelledArrays

NPZ: Final = Format.NPZ.media_type

NPZ_FILE: Final = files("The arrays; `numpy.load` reads them, without pickle.", [NPZ])
"""The answer of `npz_answer`, for `responses`."""


def json_answer(arrays: LabelledArrays, experiment_id: str) -> Response:
    """The arrays with their meanings, as `xarray.Dataset.from_dict` reads them."""
    document = arrays.to_document()
    return JSONResponse(document | {"attrs": {"experiment_id": experiment_id} | document["attrs"]})


def npz_answer(arrays: LabelledArrays) -> Response:
    """The arrays to the bit."""
    return Response(arrays.to_npz(), media_type=NPZ)
