"""Every number that may be swept, in every kind that has it: each makes runs that end apart, or is refused."""

import copy
from collections.abc import Iterator
from typing import Any, Final, get_args

import numpy as np
import pytest
from pydantic import ValidationError

from core.experiment.run import run
from core.spec.axes import axis_name
from core.spec.experiment_spec import KINDS, ExperimentSpec
from core.spec.swept import Values
from core.sweep.grid import Grid
from stepbias.building import PLACES

DATA: Final = {"kind": "sparse_regression", "samples": 5, "dimension": 10, "sparsity": 2}
STEPS: Final = 40

NEEDED: Final[dict[str, dict[str, Any]]] = {
    "uv": {"kind": "uv"},
    "normal": {"scale": 0.5},
    "vector": {"scale": 0.5, "vector": [0.1 * place for place in range(1, 11)]},
    "parameters": {"u_plus": 0.5, "u_minus": 0.4},
    "uniform": {"scale": 0.5},
    "sgd": {"batch_size": 2},
    "label_noise": {"noise_variance": 0.1, "noise_steps": 20},
    "heavy_ball": {"momentum": 0.5},
    "nesterov": {"momentum": 0.5},
    "sam": {"rho": 0.001},
    "parameter_noise": {"variance": 0.01, "noise_steps": 20},
}
"""Of each kind what it must have."""

VALUES: Final[dict[str, list[float]]] = {
    **{field: [2, 3] for field in ("sparsity", "batch_size", "depth")},
    **{field: [5, 7] for field in ("samples", "dimension")},
    **{field: [5, 10] for field in ("noise_steps", "warmup_steps", "weight_decay_until", "schedule_steps")},
    **{field: [0, 1] for field in ("seed", "noise_from")},
    **{field: [0.001, 0.002] for field in ("rho", "variance")},
    "step_size": [1e-5, 2e-5],
    "schedule_factor": [2.0, 3.0],
}
"""Two of each number; of others a quarter and a half."""

BESIDE: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "schedule_steps": {
        "cosine": {"schedule": "cosine", "schedule_factor": 2},
        "exponential": {"schedule": "exponential", "schedule_factor": 2},
        "doubling": {"schedule": "doubling", "schedule_factor": 3},
        "doubling without end": {"schedule": "doubling"},
        "piecewise": {"schedule": "piecewise", "schedule_factors": [2, 0.5]},
    },
    "schedule_factor": {
        "cosine": {"schedule": "cosine", "schedule_steps": 10},
        "exponential": {"schedule": "exponential", "schedule_steps": 10},
        "doubling": {"schedule": "doubling", "schedule_steps": 10},
        "steps": {"schedule": "piecewise", "schedule_at_steps": [5, 9]},
        "fractions": {"schedule": "piecewise", "schedule_at_fractions": [0.2, 0.4]},
    },
    "weight_decay_until": {"decay": {"weight_decay": 1.0}},
}
"""What else a number needs, in each way to have it."""

REFUSED: Final[dict[tuple[str, str], str]] = {
    **{
        (kind, field): f"{kind} has no weight decay: where it would rest, no penalised loss is least"
        for kind in ("sam", "parameter_noise")
        for field in ("weight_decay", "weight_decay_until")
    },
}
"""What a kind has by its schema alone, and why it cannot be told."""


def _is_swept(annotation: Any) -> bool:
    if isinstance(annotation, type):
        return issubclass(annotation, Values)
    return any(_is_swept(part) for part in get_args(annotation))


def cases() -> Iterator[tuple[str, str, str, str, dict[str, Any]]]:
    """The part, the kind, the field, and what is beside it, by its name."""
    for part, kinds in KINDS.items():
        for kind, model in kinds.items():
            for field, info in model.model_fields.items():
                if any(_is_swept(each) for each in (info.annotation, *info.metadata)):
                    for way, beside in BESIDE.get(field, {"": {}}).items():
                        yield part, kind, field, way, beside


CASES: Final = list(cases())


def spec_of(part: str, kind: str, field: str, beside: dict[str, Any]) -> dict[str, Any]:
    """Two runs, of each end of the axis, of exactly so many steps from where all parts of θ are apart."""
    spec: dict[str, Any] = {
        "data": dict(DATA),
        "initialization": {"kind": "uniform", "scale": 0.5},
        "optimizer": {"kind": "gradient_descent", "step_size": 1e-5},
        "stopping": {"steps": STEPS},
        "recording": {"points": 0, "sensitivity": False},
    }
    chosen = {"kind": kind} | NEEDED.get(kind, {}) | beside
    spec[part] = chosen | ({"step_size": 1e-5} if part == "optimizer" else DATA if part == "data" else {})
    if field in {"v_plus", "v_minus"}:
        spec["model"] = {"kind": "uv"}
        spec[part] |= {"v_plus": 0.3, "v_minus": 0.2}
    spec[part][field] = {"values": VALUES.get(field, [0.25, 0.5])}
    return copy.deepcopy(spec)


@pytest.mark.parametrize(("part", "kind", "field", "way", "beside"), CASES, ids=lambda value: str(value)[:30])
def test_each_value_of_an_axis_makes_a_run_of_its_own(
    part: str, kind: str, field: str, way: str, beside: dict[str, Any]
) -> None:
    """With a key and an end of its own, by the name that it has in a sweep; what is refused says why."""
    del way
    spec = spec_of(part, kind, field, beside)
    if said := REFUSED.get((kind, field)):
        with pytest.raises(ValidationError, match=said):
            ExperimentSpec.model_validate(spec)
        return
    grid = Grid(ExperimentSpec.model_validate(spec))
    (axis,) = grid.axes
    assert (axis.name, axis.part, axis.field) == (axis_name(part, field), part, field)
    assert PLACES[axis.name] == (part, field)
    assert len({each.key for each in grid.runs()}) == len(axis.values) == 2
    ends = [arrays["u_plus"].tobytes() + arrays["u_minus"].tobytes() for arrays in run(grid.spec).arrays]
    assert ends[0] != ends[1]
    assert np.isfinite(np.frombuffer(ends[0] + ends[1])).all()


def test_all_numbers_are_among_them() -> None:
    """Of every kind that has any: fewer are found if none is looked for."""
    assert {kind for _, kind, *_ in CASES} == {kind for part in KINDS for kind in KINDS[part]} - {
        "inline",
        "dataset",
        "uv_product",
    }
    assert len(CASES) > 120
