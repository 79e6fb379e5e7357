"""Named arrays of one run or one problem, with what each of them is."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What an array is: the name of each of its dimensions, its symbol, and a sentence."""

    dims: tuple[str, ...]
    symbol: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LabelledArrays:
    """Arrays by name, each with its meaning. `attrs` says what they belong to; `coordinate` names one to plot against.

    Arrays that share a dimension agree in its length.
    """

    arrays: Mapping[str, Shaped[np.ndarray, "..."]]
    meanings: Mapping[str, Meaning]
    attrs: Mapping[str, Any]
    coordinate: str | None = None

    def to_document(self) -> dict[str, Any]:
        """The arrays in the form that `xarray.Dataset.from_dict` reads, ready for JSON: null is a number not finite."""
        entries = {name: self._entry(name) for name in self.arrays}
        lengths = (zip(self.meanings[name].dims, array.shape, strict=True) for name, array in self.arrays.items())
        return {
            "attrs": dict(self.attrs),
            "dims": {dim: length for shape in lengths for dim, length in shape},
            "coords": {name: entry for name, entry in entries.items() if name == self.coordinate},
            "data_vars": {name: entry for name, entry in entries.items() if name != self.coordinate},
        }

    def to_npz(self) -> bytes:
        """The arrays to the bit, each in a .npy file of one zip archive; equal arrays give equal bytes."""
        archive = io.BytesIO()
        np.savez(archive, allow_pickle=False, **self.arrays)
        return archive.getvalue()

    def _entry(self, name: str) -> dict[str, Any]:
        meaning = self.meanings[name]
        attributes = {"symbol": meaning.symbol, "description": meaning.description}
        return {"dims": list(meaning.dims), "attrs": attributes, "data": _plain(self.arrays[name])}


def _plain(array: Shaped[np.ndarray, "..."]) -> Any:
    """Nested lists, None for what JSON cannot say."""
    plain = array.astype(object)
    plain[~np.isfinite(array)] = None
    return plain.tolist()
