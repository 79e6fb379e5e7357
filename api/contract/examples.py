"""Examples of request bodies, each of which is accepted, and of answers as they were given."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

_SMALLEST: Final = {
    "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2},
    "initialization": {"kind": "uniform", "scale": 0.1},
    "optimizer": {"kind": "gradient_descent", "step_size": 0.001},
}
_SWEEP: Final = {
    "name": "what the step size does",
    "tags": ["thesis"],
    "data": {"kind": "sparse_regression", "samples": 20, "dimension": 40, "sparsity": 3, "seed": {"values": [0, 1, 2]}},
    "model": {"kind": "diagonal", "depth": 2},
    "initialization": {"kind": "uniform", "scale": {"start": 0.001, "stop": 1, "num": 7, "spacing": "log"}},
    "optimizer": {"kind": "gradient_descent", "step_size": {"fractions_of_max_stable": [0.1, 0.5, 0.9]}},
    "stopping": {"loss_tolerance": 1e-10, "max_steps": 1000000},
    "recording": {"points": 50},
}
_OWN_DATA: Final = {
    "data": {
        "kind": "inline",
        "X": [[1.0, 0.5, -0.2], [0.3, 1.2, 0.8]],
        "y": [1.0, 0.5],
        "transform": {"X": "centre", "y": "centre"},
    },
    "model": {"kind": "uv", "shape": {"values": [0.0, 0.5]}},
    "initialization": {"kind": "normal", "scale": 0.05, "seed": 1},
    "optimizer": {"kind": "heavy_ball", "step_size": 0.01, "momentum": 0.9},
}
_STANDARDISED: Final = {
    "data": {
        "kind": "inline",
        "X": [[100.0, 0.5, -0.2], [300.0, 1.2, 0.8]],
        "y": [1.0, 0.5],
        "transform": {"X": "standardise", "y": "centre"},
    },
    "initialization": {"kind": "uniform", "scale": 0.1},
    "optimizer": {
        "kind": "gradient_descent",
        "step_size": {"multiples_of": "flow_stable_step", "values": [0.5, 0.9, 1.5]},
    },
}
_NOISE: Final = {
    "data": {"kind": "sparse_regression", "samples": 10, "dimension": 20, "sparsity": 2},
    "initialization": {"kind": "uniform", "scale": {"values": [0.1, 1.0]}},
    "optimizer": {"kind": "sgd", "step_size": {"values": [0.001, 0.002]}, "batch_size": 2, "warmup_steps": 100},
    "stopping": {"max_steps": 100000},
}
_SEARCH: Final = {
    "data": {"kind": "sparse_regression", "samples": 10, "dimension": 20, "sparsity": 2},
    "initialization": {"kind": "uniform", "scale": 0.1},
    "optimizer": {"kind": "gradient_descent", "step_size": {"largest_convergent": {"lower": 0.9, "upper": 1.1}}},
}

SPECS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "smallest": _SMALLEST,
        "sweep": _SWEEP,
        "own_data": _OWN_DATA,
        "standardised": _STANDARDISED,
        "noise": _NOISE,
        "search": _SEARCH,
    }
)

EDITS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "rename": {"name": "figure 1, final"},
        "label": {"tags": ["thesis", "chapter 3"], "notes": "Redone with three seeds.\nSee figure 2."},
        "clear": {"tags": None, "notes": None},
        "one_tag_more": {"add_tags": ["seen"], "remove_tags": ["draft"]},
        "share": {"shared": True},
    }
)

KEYS: Final[Mapping[str, Any]] = MappingProxyType(
    {"reader": {"owner": "ada", "scope": "read"}, "for_a_term": {"owner": "class-of-2027", "expires_in_days": 120}}
)

DATASETS: Final[Mapping[str, Any]] = MappingProxyType({"smallest": {"X": [[0.5, 1.5], [0.25, 1.0]], "y": [2.0, 3.0]}})

TABLES: Final[Mapping[str, Any]] = MappingProxyType({"named_columns": "x1,x2,y\n0.5,1.5,2\n0.25,1.0,3\n"})

ANSWERS: Final = Path(__file__).with_name("answers.json")


def answers() -> Mapping[str, Mapping[str, Any]]:
    """Answers to the first of these, by the id of the operation and the status."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found


def named(examples: Mapping[str, Any]) -> dict[str, Any]:
    """The examples of a media type, for an OpenAPI document."""
    return {name: {"value": value} for name, value in examples.items()}
