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


AT_ODDS: Final[tuple[tuple[str, dict[str, Any], str, str], ...]] = (
    ("sam", {"weight_decay": 0.1}, "/optimizer", "sam has no weight decay"),
    ("sam", {"step_size": {"effective_step_sizes": [0.1]}}, "/optimizer", "sam has no momentum"),
    ("parameter_noise", {"weight_decay": 0.1}, "/optimizer", "parameter_noise has no weight decay"),
    ("nesterov", {"step_size": {"effective_step_sizes": [0.1]}}, "/optimizer", "are for heavy_ball and sgd"),
    ("nesterov", {"weight_decay": 1000.0}, "", "is 0.01 × 1000 at step 0: 1 or more would turn the signs"),
    ("nesterov", {"weight_decay_until": 10}, "/optimizer", "leave out weight_decay_until"),
    ("sgd", {"indices": [[0]]}, "/optimizer", "indices are given with sampling indices"),
    ("sgd", {"sampling": "indices"}, "/optimizer", "indices are given with sampling indices"),
    ("sgd", {"sampling": "indices", "indices": [[0, 1]]}, "/optimizer", "each step of indices has batch_size places"),
    ("sgd", {"sampling": "indices", "indices": [[0]], "seed": 3}, "/optimizer", "leave seed out"),
    ("sgd", {"sampling": "indices", "indices": [[50]]}, "", "indices has sample 50; the last is 4"),
    ("sgd", {"batch_size": 50}, "", "batch_size 50 exceeds the 5 samples"),
    ("label_noise", {"batch_size": 50}, "", "batch_size 50 exceeds the 5 samples"),
    ("label_noise", {"noise_from": 100}, "/optimizer", "noise_from 100 leaves no noise before step 100"),
    ("nesterov", {"schedule": "cosine"}, "/optimizer", "schedule cosine takes schedule_steps, schedule_factor"),
    ("nesterov", {"schedule_steps": 5}, "/optimizer", "schedule constant takes nothing"),
    (
        "gradient_descent",
        {"schedule": "exponential", "schedule_steps": 5, "schedule_factor": 0.0},
        "/optimizer",
        "a schedule_factor of 0 is for cosine alone",
    ),
    (
        "gradient_descent",
        {"schedule": "doubling", "schedule_steps": 5, "schedule_factor": 0.5},
        "/optimizer",
        "which 0.5 forbids",
    ),
    (
        "gradient_descent",
        {"schedule": "piecewise", "schedule_at_steps": [5, 3], "schedule_factor": 0.5},
        "/optimizer",
        "should ascend",
    ),
    (
        "gradient_descent",
        {"schedule": "piecewise", "schedule_at_steps": [3, 5], "schedule_factors": [0.5]},
        "/optimizer",
        "η changes at 2 places, and there are 1 factors",
    ),
)
"""Of optimisers what each field may hold, and not together: the place that is named, and what is said of it."""

ONE_VALUE: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("optimizer", "gradient_descent", "schedule_at_steps", "a list is wanted, and no sweep: sweep schedule_factor, or"),
    ("optimizer", "gradient_descent", "schedule_at_fractions", "a list is wanted, and no sweep: sweep schedule_factor"),
    ("optimizer", "gradient_descent", "schedule_factors", "and no sweep: sweep schedule_steps beside it, or"),
    ("optimizer", "gradient_descent", "schedule", "'doubling' is wanted, and no sweep: what has another value is an"),
    ("optimizer", "gradient_descent", "decoupled_weight_decay", "true or false is wanted, and no sweep"),
    ("optimizer", "sgd", "sampling", "'indices' is wanted, and no sweep"),
    ("optimizer", "sgd", "indices", "a list is wanted, and no sweep"),
    ("optimizer", "sam", "ascent", "'full' or 'sample' is wanted, and no sweep"),
    ("optimizer", "sam", "normalized", "true or false is wanted, and no sweep"),
    ("initialization", "vector", "vector", "a list is wanted, and no sweep: sweep scale"),
    ("initialization", "normal", "independent", "true or false is wanted, and no sweep"),
    ("data", "sparse_regression", "features", "is wanted, and no sweep"),
    ("data", "sparse_regression", "support", "is wanted, and no sweep"),
    ("data", "sparse_regression", "signs", "is wanted, and no sweep"),
    ("data", "sparse_regression", "mean_profile", "a list is wanted, and no sweep: sweep mean"),
    ("data", "sparse_regression", "variance_profile", "a list is wanted, and no sweep: sweep variance"),
    ("stopping", "", "max_steps", "a whole number is wanted, and no sweep: what has another value is an experiment of"),
    ("stopping", "", "steps", "a whole number is wanted, and no sweep"),
    ("stopping", "", "loss_tolerance", "a number is wanted, and no sweep"),
    ("stopping", "", "completion_tolerance", "a number is wanted, and no sweep"),
    ("stopping", "", "finish", "is wanted, and no sweep"),
    ("stopping", "", "release", "is wanted, and no sweep"),
    ("stopping", "", "perturb", "true or false is wanted, and no sweep"),
    ("recording", "", "points", "a whole number is wanted, and no sweep"),
    ("recording", "", "spacing", "is wanted, and no sweep"),
    ("recording", "", "at_steps", "a list is wanted, and no sweep"),
    ("recording", "", "vectors", "a list is wanted, and no sweep"),
    ("recording", "", "support_threshold", "a number is wanted, and no sweep"),
)
"""The part, the kind, and the field of what has one value for all runs, and what is said of a sweep there."""
