"""What a run recorded on its way."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Trajectory:
    """The recorded curves of one run, each of shape (record,); `numpy.asarray` takes every one of them.

    Attributes:
        record_step: steps taken when each record was made; whole numbers that grow. Empty where nothing was recorded.
        curves: `train_loss`, `excess_risk`, `test_loss`, `l1_norm`, `effective_init` and `sharpness` at these steps,
            stored in float32 (relative error 6e-8); NaN where one is not finite or does not exist.
        stability_threshold: 2/η_t, the sharpness up to which the step that follows is stable.
        attrs: `run`, `outcome`, `finished_by`, `steps`, `network`, `step_size` and `warmup_steps`.
    """

    record_step: Sequence[int]
    curves: Mapping[str, Sequence[float]]
    stability_threshold: Sequence[float]
    attrs: Mapping[str, Any]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The trajectory of the JSON object that the service answers.

        Raises:
            KeyError, TypeError: the object is no trajectory.
        """
        curves = arrays_of(document)
        steps, threshold = curves.pop("record_step"), curves.pop("stability_threshold")
        return cls(record_step=steps, curves=curves, stability_threshold=threshold, attrs=document["attrs"])


def arrays_of(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The arrays of a labelled answer as nested lists, NaN for null.

    Raises:
        KeyError, TypeError: the object has no arrays.
    """
    return {name: _numbers(entry["data"]) for name, entry in {**document["coords"], **document["data_vars"]}.items()}


def _numbers(data: list[Any]) -> list[Any]:
    return [_numbers(entry) if isinstance(entry, list) else math.nan if entry is None else entry for entry in data]
