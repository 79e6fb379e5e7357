"""Specs with one thing wrong: every field of every kind, given what it cannot take."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from core.spec.experiment_spec import KINDS, Recording, Stopping

GOOD: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "data": {
        "sparse_regression": {"samples": 5, "dimension": 10, "sparsity": 2},
        "inline": {"X": [[1.0, 2.0, 0.5], [0.5, -1.0, 2.0]], "y": [1.0, 2.0]},
        "dataset": {"id": "a" * 64},
    },
    "model": {"diagonal": {"depth": 2}, "uv": {"shape": 0.5}, "uv_product": {}},
    "initialization": {
        "uniform": {"scale": 0.1},
        "normal": {"scale": 0.1, "seed": 0},
        "vector": {"scale": 0.1, "vector": [1.0, 2.0, 3.0]},
        "parameters": {"scale": 0.1, "u_plus": 1.0, "u_minus": 0.5},
    },
    "optimizer": {
        "gradient_descent": {"step_size": 0.01},
        "sgd": {"step_size": 0.01, "batch_size": 1, "seed": 0},
        "label_noise": {"step_size": 0.01, "noise_variance": 0.1, "noise_steps": 100, "seed": 0},
        "heavy_ball": {"step_size": 0.01, "momentum": 0.5},
        "nesterov": {"step_size": 0.01, "momentum": 0.5},
        "sam": {"step_size": 0.01, "rho": 0.1},
        "parameter_noise": {"step_size": 0.01, "variance": 0.1, "noise_steps": 100, "seed": 0},
    },
}
"""Of each part, each kind with what it must have."""

VALUES: Final[tuple[tuple[str, Any], ...]] = (
    ("a word", "wrong"),
    ("null", None),
    ("negative", -1.5),
    ("huge", 1e300),
    ("an empty list", []),
    ("an empty sweep", {"values": []}),
    ("a sweep of words", {"values": ["a"]}),
    ("a sweep back to front", {"start": 3, "stop": 1, "num": 0}),
    ("an unknown form", {"grid": [1, 2]}),
    ("true", True),
)
"""Most fields can take none of these; what one can is no case."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A document, and the place of what is wrong with it."""

    name: str
    place: str
    document: dict[str, Any]


def good(part: str = "data", kind: str = "sparse_regression") -> dict[str, Any]:
    """A spec with this kind in this part."""
    chosen = {"data": "sparse_regression", "model": "diagonal", "initialization": "uniform"}
    chosen |= {"optimizer": "gradient_descent"} | {part: kind}
    spec = {name: {"kind": each} | GOOD[name][each] for name, each in chosen.items()}
    if kind == "vector":
        spec["data"] = {"kind": "inline"} | GOOD["data"]["inline"]
    return copy.deepcopy(spec)


def wrong_values() -> Iterator[Wrong]:
    """Each value in each field of each kind, and of what has no kinds."""
    for part, kinds in KINDS.items():
        for kind, model in kinds.items():
            for field in model.model_fields:
                yield from _given(part, field, good(part, kind), f"{kind}")
    for part, about in (("stopping", Stopping), ("recording", Recording)):
        for field in about.model_fields:
            yield from _given(part, field, good(), part)


def _given(part: str, field: str, spec: dict[str, Any], kind: str) -> Iterator[Wrong]:
    for name, value in VALUES:
        document = copy.deepcopy(spec)
        document.setdefault(part, {})[field] = value
        yield Wrong(f"{kind}.{field}: {name}", f"/{part}/{field}", document)


def wrong_shapes() -> Iterator[Wrong]:
    """A field that is missing, one that is misspelt, and a kind that there is not."""
    for part, kinds in GOOD.items():
        for kind, fields in kinds.items():
            for field in fields:
                spec = good(part, kind)
                value = spec[part].pop(field)
                yield Wrong(f"{kind}.{field}: missing", f"/{part}/{field}", spec)
                misspelt = good(part, kind)
                misspelt[part][f"{field}s"] = value
                yield Wrong(f"{kind}.{field}: misspelt", f"/{part}/{field}s", misspelt)
        spec = good()
        spec[part]["kind"] = "no such kind"
        yield Wrong(f"{part}: unknown kind", f"/{part}/kind", spec)
        spec = good()
        del spec[part]["kind"]
        yield Wrong(f"{part}: no kind", f"/{part}/kind", spec)
        spec = good()
        spec[part] = "a word"
        yield Wrong(f"{part}: no object", f"/{part}", spec)
