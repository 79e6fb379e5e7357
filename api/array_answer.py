"""Labelled arrays as an answer: JSON, or the bytes of an .npz file."""

import io
from typing import Any, Final

import numpy as np
from fastapi import Response
from fastapi.responses import JSONResponse

from core.results.labelled_arrays import LabelledArrays

NPZ: Final = "application/x-npz"

NPZ_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The arrays; `numpy.load` reads them, without pickle.", "content": {NPZ: {}}}
}
"""The answer of `npz_answer`, for `responses`."""


def json_answer(arrays: LabelledArrays, experiment_id: str) -> Response:
    """The arrays with their meanings, as `xarray.Dataset.from_dict` reads them."""
    document = arrays.to_document()
    return JSONResponse(document | {"attrs": {"experiment_id": experiment_id} | document["attrs"]})


def npz_answer(arrays: LabelledArrays) -> Response:
    """The arrays to the bit, each in a .npy file of one zip archive; equal arrays give equal bytes."""
    archive = io.BytesIO()
    np.savez(archive, allow_pickle=False, **arrays.arrays)
    return Response(archive.getvalue(), media_type=NPZ)
