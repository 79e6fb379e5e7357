"""What is kept of each run of a batch: it goes where its runs go, and into a checkpoint."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any, Final, Self

import numpy as np
from jaxtyping import Int64

RUN_AXIS: Final = "run axis"
"""Key of a field's metadata: the axis of its array that counts the runs, where that is not the first."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PerRun:
    """Arrays of numbers with an entry for each run; a field may be None where its default is, or a `PerRun` itself.

    Frozen are the arrays that there are: what is in them changes in place.
    """

    def select(self, runs: Int64[np.ndarray, " kept"]) -> Self:
        """The same of some of the runs, in arrays of their own."""
        return type(self)(**{field.name: _selected(getattr(self, field.name), runs, field) for field in fields(self)})

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of all arrays by name, those of the field `part` as `part.name`, for a checkpoint."""
        kept: dict[str, np.ndarray] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, PerRun):
                kept |= {f"{field.name}.{name}": array for name, array in value.arrays().items()}
            elif value is not None:
                kept[field.name] = value.copy()
        return kept

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `arrays` was taken of, among others.

        Raises:
            KeyError: an array is missing.
        """
        return cls(**{field.name: _restored(arrays, field) for field in fields(cls)})


def under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those named `prefix.name`, by name."""
    return {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}


def _selected(value: Any, runs: Int64[np.ndarray, " kept"], field: Field[Any]) -> Any:
    if value is None:
        return None
    return value.select(runs) if isinstance(value, PerRun) else value.take(runs, axis=field.metadata.get(RUN_AXIS, 0))


def _restored(arrays: Mapping[str, np.ndarray], field: Field[Any]) -> Any:
    if isinstance(field.type, type) and issubclass(field.type, PerRun):
        return field.type.from_arrays(under(field.name, arrays))
    return arrays.get(field.name) if field.default is None else arrays[field.name]
