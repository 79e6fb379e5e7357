"""What no JSON Schema can say: rules between the parts of a request, each with its name, and requests made to fit them.

A request that is made from the schema alone breaks one of these rules most of the time; made to fit, hardly ever.
"""

import io
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import numpy as np

from api.contract.examples import DATASETS, TABLES
from core.identity import rounded
from core.spec.experiment_spec import PARTS, PARTS_OF

RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "values are apart to 12 digits": ("repeat (to 12 significant digits)",),
    "a range has as many values as it can": (
        "start and stop are",
        "num is 1",
        "this range meets numbers that are not whole",
        "a log-spaced range",
    ),
    "a bracket has a width": ("should be less than upper",),
    "the parts of a spec fit": (
        "exceeds dimension",
        "exceeds the",
        "the initial ",
        "the vector has",
        "starts from",
        "uv_product has none",
        "leave shape out",
        "_profile",
        "effective step sizes η",
    ),
    "a schedule has numbers of its own": (
        "schedule constant takes",
        "schedule piecewise takes",
        "schedule exponential takes",
        "schedule cosine takes",
        "schedule doubling takes",
        "places at which η changes",
        "η changes at",
        "η doubles up to",
        "is for cosine alone",
        "leaves its size by",
        "step size that ends at 0",
    ),
    "what decays does so a little": ("weight_decay is 0", "turn the signs", "end the weight_decay"),
    "what is recorded fits": (
        "with at_steps these",
        "recorded steps must grow",
        "vectors are recorded with",
        "support_threshold decides nothing",
        "recording.at_steps go to",
    ),
    "what gradients elsewhere have no": ("has no weight decay",),
    "axes that are linked go together": ("zip has", "zip needs", "zip of"),
    "streams of samples fit": (
        "indices are given",
        "each step of indices",
        "indices has sample",
        "leave seed out",
        "stream of samples",
        "leaves no noise",
    ),
    "arrays have one shape": (
        "the rows of",
        "every row of",
        "rows, y has",
        "columns, true_predictor has",
        "held_out",
        "this row has",
        "entries, the first one",
        "X has",
        "true_predictor",
        "needs",
    ),
    "the deployment has limits": ("entries", "runs", "predicted", "It is predicted", "larger than this deployment"),
    "a data set is uploaded first": ("no data set of this id",),
    "an idempotency key is of one request": ("Another request was sent under this",),
    "a cursor was given out": ("The cursor is not one",),
    "an axis is swept, a value on it": ("must be an axis", "no axis to draw", "choices", "is not one of its values"),
    "a figure suits its experiment": ("This figure needs", "The figure"),
    "only rows can be continued": ("is sent whole", "not the one that the address ends in"),
    "a preset has the sizes that it has": ("has no such size",),
    "columns have names in CSV alone": ("has columns with names", "is not in the file", "no columns with names"),
    "a file is of its type": ("invalid-dataset",),
    "exactly so many steps are the whole of when to stop": ("with steps a run ends there",),
    "only gradient descent is held": ("release exact is for gradient_descent alone", "leave perturb on"),
    "multiples are of a step size that there is": ("could only fail",),
    "ends are told to hosts that the deployment names": ("The webhook cannot be used",),
    "text has bytes, too": ("have at most",),
}
"""By its name, parts of the sentences that say it."""


def rule_of(problem: Mapping[str, Any]) -> str | None:
    """The rule that a refusal is for; None where it has none of these reasons."""
    said = json.dumps(problem, ensure_ascii=False)
    return next((name for name, parts in RULES.items() if any(part in said for part in parts)), None)


def fitted_spec(spec: Any, *, dataset_id: str) -> Any:
    """The spec with all parts fitting each other, small, and soon done."""
    for part in ("data", "model", "initialization", "optimizer"):
        section = spec.get(part)
        if isinstance(section, dict):
            _each(section, lambda name, value: _fitted_number(value, small=name in _SMALL))
    spec.pop("zip", None)
    with suppress(AttributeError):
        spec.get("stopping").pop("steps", None)
        spec.get("stopping").pop("release", None)
    data, start, optimizer = spec["data"], spec["initialization"], spec["optimizer"]
    if data["kind"] == "dataset":
        data["id"], columns = dataset_id, 2
    elif data["kind"] == "inline":
        fitted_arrays(data)
        columns = len(data["X"][0])
    else:
        data |= {
            "samples": _small(data.get("samples", 5)),
            "dimension": _small(data.get("dimension", 7)),
            "sparsity": 1,
        }
        columns = 1
        if start["kind"] == "vector":
            data["dimension"] = len(start["vector"][:4])
            columns = data["dimension"]
    for profile in ("mean_profile", "variance_profile"):
        data.pop(profile, None)
    _fit_start(start, spec.setdefault("model", {"kind": "diagonal"}), columns)
    for name in [name for name in optimizer if name.startswith("schedule") or "weight_decay" in name]:
        optimizer.pop(name)
    if "batch_size" in optimizer:
        optimizer["batch_size"] = 1
    if "noise_steps" in optimizer:
        optimizer["noise_steps"] = _small(optimizer["noise_steps"])
    _fit_stream(optimizer)
    _fit_step_size(optimizer)
    spec["stopping"] = spec.get("stopping", {}) | {
        "max_steps": min(int(spec.get("stopping", {}).get("max_steps", 9)), 99)
    }
    _fit_recording(spec.setdefault("recording", {}))
    return spec


_SMALL: Final = frozenset({"warmup_steps", "batch_size", "noise_steps", "samples", "dimension", "sparsity"})


def _fit_recording(recording: dict[str, Any]) -> None:
    """Some points, and what there is to say of vectors where these are recorded."""
    recording["points"] = max(min(int(recording.get("points", 5)), 9), 1)
    recording.pop("at_steps", None)
    if not recording.get("vectors"):
        recording.pop("support_threshold", None)


def _fit_start(start: dict[str, Any], model: dict[str, Any], columns: int) -> None:
    """Just the parts of the model, vectors as long as the data are wide, and several scales: curves need something."""
    if start["kind"] == "vector":
        start["vector"] = (start["vector"] * columns)[:columns]
    if start["kind"] == "parameters":
        model.pop("shape", None)
        for part in PARTS:
            value = start.pop(part, None)
            if part in PARTS_OF[model["kind"]]:
                start[part] = (
                    (value * columns)[:columns] if isinstance(value, list) else 1.0 if value is None else value
                )
    start.pop("independent", None)
    if not isinstance(scale := start.get("scale", 1.0), dict):
        start["scale"] = {"values": _apart([scale, 0.5])}


def _fit_stream(optimizer: dict[str, Any]) -> None:
    """Given samples where they are asked for, no search where samples come to an end, noise from the first step on."""
    optimizer.pop("noise_from", None)
    optimizer.pop("indices", None)
    if optimizer.get("sampling") in {"indices", "one_pass"} and "largest_convergent" in str(optimizer["step_size"]):
        del optimizer["sampling"]
    if optimizer.get("sampling") == "indices":
        optimizer["indices"] = [[0], [0]]
        optimizer.pop("seed", None)


def _fit_step_size(optimizer: dict[str, Any]) -> None:
    size = optimizer["step_size"]
    if not isinstance(size, dict):
        return
    if "effective_step_sizes" in size:
        values = _apart(size["effective_step_sizes"])
        optimizer["step_size"] = {"effective_step_sizes" if "momentum" in optimizer else "values": values}
    if "fractions_of_max_stable" in size:
        size["fractions_of_max_stable"] = _apart(size["fractions_of_max_stable"])
    bracket = size.get("largest_convergent")
    if bracket is not None and rounded(bracket.get("lower", 0.9)) >= rounded(bracket.get("upper", 1.1)):
        bracket.pop("lower", None)
        bracket.pop("upper", None)


def _each(section: dict[str, Any], fit: Callable[[str, Any], Any]) -> None:
    for name, value in section.items():
        section[name] = fit(name, value)


def _fitted_number(value: Any, *, small: bool) -> Any:
    if not isinstance(value, dict):
        return _small(value) if small else value
    if "values" in value:
        apart = _apart(value["values"])
        return {"values": _apart([_small(each) for each in apart]) if small else apart}
    if "start" in value:
        return _fitted_range(value, small=small)
    return value


def _fitted_range(value: dict[str, Any], *, small: bool) -> dict[str, Any]:
    start = _small(value["start"]) if small else value["start"]
    stop = value["stop"]
    if not small and not _is_whole(start) and rounded(start) != rounded(stop) and _is_wide(start, stop):
        return value | {"num": 2}
    if not small and not _is_whole(start):
        return value | {"stop": start, "num": 1}
    return value | {"start": start, "stop": start, "num": 1}


def _is_wide(start: float, stop: float) -> bool:
    return math.isfinite(stop - start) and abs(stop - start) > 1e-6 * max(abs(start), abs(stop))


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) or float(number).is_integer()


def _small(value: Any) -> Any:
    if isinstance(value, dict):
        return _fitted_number(value, small=True)
    return min(value, 9)


def _apart(values: list[Any]) -> list[Any]:
    """Two of them at most, so that the grid stays small."""
    return list({rounded(value): value for value in values}.values())[:2]


def fitted_arrays(arrays: dict[str, Any]) -> dict[str, Any]:
    """The arrays with one width and one height."""
    rows = [row[:4] for row in arrays["X"][:4]]
    width = len(rows[0])
    arrays["X"] = [(row * width)[:width] for row in rows]
    arrays["y"] = (arrays["y"] * len(rows))[: len(rows)]
    if arrays.get("true_predictor"):
        arrays["true_predictor"] = (arrays["true_predictor"] * width)[:width]
    if arrays.get("held_out_X") and arrays.get("held_out_y"):
        held = [row[:4] for row in arrays["held_out_X"][:4]]
        arrays["held_out_X"] = [(row * width)[:width] for row in held]
        arrays["held_out_y"] = (arrays["held_out_y"] * len(held))[: len(held)]
    else:
        arrays.pop("held_out_X", None)
        arrays.pop("held_out_y", None)
    return arrays


def fitted_query(
    operation: str, query: dict[str, Any], *, media_type: str | None, ending: str | None
) -> dict[str, Any]:
    """The query without what only a certain experiment or body has."""
    unfit = {
        "delimiter",
        "decimal",
        "cursor",
        "size",
        "x",
        "series",
        "over",
        "target",
        "drop",
        "keep",
        "one_hot",
        "webhook",
    }
    if media_type != "text/csv":
        unfit |= {"delimiter", "decimal", "missing"}
    if operation.startswith("get_results"):
        if ending is not None:
            unfit |= {"format"}
        if (ending or query.get("format")) not in {"csv", "ndjson"}:
            unfit |= {"after"}
    fitted = {name: value for name, value in query.items() if name not in unfit}
    # Nobody has the time.
    return fitted | ({"wait": 0} if "wait" in fitted else {})


def archive() -> bytes:
    """A file of arrays that is one."""
    held = io.BytesIO()
    np.savez(held, **{name: np.array(rows) for name, rows in DATASETS["smallest"].items()})
    return held.getvalue()


def table() -> str:
    """A table that is one."""
    return str(next(iter(TABLES.values())))
