"""Experiment specs that read like the paper: `sweep(step_size=fractions(0.01, 0.99, 8), seed=range(10))`.

A spec is a document, as the service takes it; these functions only save its brackets.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from stepbias.errors import UnusableValue
from stepbias.plain import plain

PLACES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "samples": ("data", "samples"),
        "dimension": ("data", "dimension"),
        "sparsity": ("data", "sparsity"),
        "data_mean": ("data", "mean"),
        "data_variance": ("data", "variance"),
        "noise_variance": ("data", "noise_variance"),
        "features": ("data", "features"),
        "mean_profile": ("data", "mean_profile"),
        "variance_profile": ("data", "variance_profile"),
        "variance_decay": ("data", "variance_decay"),
        "correlation": ("data", "correlation"),
        "support": ("data", "support"),
        "signs": ("data", "signs"),
        "true_norm": ("data", "true_norm"),
        "seed": ("data", "seed"),
        "depth": ("model", "depth"),
        "uv_shape": ("model", "shape"),
        "init_scale": ("initialization", "scale"),
        "init_seed": ("initialization", "seed"),
        "vector": ("initialization", "vector"),
        "u_plus": ("initialization", "u_plus"),
        "u_minus": ("initialization", "u_minus"),
        "v_plus": ("initialization", "v_plus"),
        "v_minus": ("initialization", "v_minus"),
        "independent": ("initialization", "independent"),
        "step_size": ("optimizer", "step_size"),
        "warmup_steps": ("optimizer", "warmup_steps"),
        "schedule": ("optimizer", "schedule"),
        "schedule_steps": ("optimizer", "schedule_steps"),
        "schedule_factor": ("optimizer", "schedule_factor"),
        "schedule_at_steps": ("optimizer", "schedule_at_steps"),
        "schedule_at_fractions": ("optimizer", "schedule_at_fractions"),
        "schedule_factors": ("optimizer", "schedule_factors"),
        "weight_decay": ("optimizer", "weight_decay"),
        "weight_decay_until": ("optimizer", "weight_decay_until"),
        "decoupled_weight_decay": ("optimizer", "decoupled_weight_decay"),
        "batch_size": ("optimizer", "batch_size"),
        "optimizer_seed": ("optimizer", "seed"),
        "label_noise_variance": ("optimizer", "noise_variance"),
        "noise_steps": ("optimizer", "noise_steps"),
        "noise_from": ("optimizer", "noise_from"),
        "sampling": ("optimizer", "sampling"),
        "indices": ("optimizer", "indices"),
        "momentum": ("optimizer", "momentum"),
        "rho": ("optimizer", "rho"),
        "ascent": ("optimizer", "ascent"),
        "normalized": ("optimizer", "normalized"),
        "parameter_noise_variance": ("optimizer", "variance"),
        "loss_tolerance": ("stopping", "loss_tolerance"),
        "max_steps": ("stopping", "max_steps"),
        "steps": ("stopping", "steps"),
        "completion_tolerance": ("stopping", "completion_tolerance"),
        "perturb": ("stopping", "perturb"),
        "finish": ("stopping", "finish"),
        "release": ("stopping", "release"),
        "points": ("recording", "points"),
        "spacing": ("recording", "spacing"),
        "sensitivity": ("recording", "sensitivity"),
        "at_steps": ("recording", "at_steps"),
        "vectors": ("recording", "vectors"),
        "support_threshold": ("recording", "support_threshold"),
    }
)
"""Where what a sweep is told stands in the spec: the axes by their names in results, and what else can be set."""

KINDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "uv_shape": ("model", "uv"),
        "init_seed": ("initialization", "normal"),
        "vector": ("initialization", "vector"),
        **dict.fromkeys(("u_plus", "u_minus", "v_plus", "v_minus"), ("initialization", "parameters")),
        "batch_size": ("optimizer", "sgd"),
        "sampling": ("optimizer", "sgd"),
        "label_noise_variance": ("optimizer", "label_noise"),
        "momentum": ("optimizer", "heavy_ball"),
        **dict.fromkeys(("rho", "ascent", "normalized"), ("optimizer", "sam")),
        "parameter_noise_variance": ("optimizer", "parameter_noise"),
    }
)
"""What a part of the spec is where this is told; else the first kind of the service's list."""

BESIDE: Final = frozenset({("sgd", "heavy_ball"), ("label_noise", "sgd")})
"""Kinds that have what else decides for another kind: minibatches have momentum, label noise has minibatches."""

VECTORS: Final = frozenset(
    {
        *("vector", "mean_profile", "variance_profile", "u_plus", "u_minus", "v_plus", "v_minus", "indices"),
        *("schedule_at_steps", "schedule_at_fractions", "schedule_factors"),
    }
)
"""What is one list of numbers, and no axis of them: that is `linspace` and `logspace`, or `{"values": [...]}`."""

_USUAL: Final = MappingProxyType(
    {
        "data": "sparse_regression",
        "model": "diagonal",
        "initialization": "uniform",
        "optimizer": "gradient_descent",
    }
)


def linspace(start: float, stop: float, num: int) -> dict[str, Any]:
    """`num` values from `start` to `stop`, both included, equally far apart."""
    return {"start": plain(start), "stop": plain(stop), "num": plain(num), "spacing": "linear"}


def logspace(start: float, stop: float, num: int) -> dict[str, Any]:
    """`num` values from `start` to `stop`, both included, each the same multiple of the one before.

    The ends themselves are given, as to `numpy.geomspace`, and not their logarithms.
    """
    return {"start": plain(start), "stop": plain(stop), "num": plain(num), "spacing": "log"}


def fractions(*of_max_stable: Any) -> dict[str, Any]:
    """Step sizes as multiples of η* = 2/min λ_max, the largest stable one of each data set and network.

    Args:
        of_max_stable: a start, a stop, and how many values from one to the other; or one list of multiples.
    """
    return {"fractions_of_max_stable": _multiples(of_max_stable)}


def multiples(unit: str, *values: Any) -> dict[str, Any]:
    """Step sizes as multiples of 2/λ_max at a point that is known before training.

    Args:
        unit: `start_stable_step`, `least_norm_stable_step` or `flow_stable_step`.
        values: as for `fractions`.
    """
    return {"multiples_of": unit, "values": _multiples(values)}


def effective(*step_sizes: Any) -> dict[str, Any]:
    """Step sizes of the heavy ball by λ = η/(1−m)², what they come to with momentum m: it stays where m is swept.

    Args:
        step_sizes: as for `fractions`.
    """
    return {"effective_step_sizes": _multiples(step_sizes)}


def sweep(  # noqa: PLR0913 - all but the data by name
    data: Any = None,
    *,
    model: str | None = None,
    optimizer: str | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    linked: Sequence[Sequence[str]] = (),
    transform: Mapping[str, Any] | None = None,
    **told: Any,
) -> dict[str, Any]:
    """The spec of an experiment with a run for every combination of the values that are told.

        sweep(step_size=fractions(0.01, 0.99, 8), init_scale=logspace(1e-3, 3, 20), seed=range(10))

    Args:
        data: `(X, y)`; arrays by name; the id of an uploaded data set, or its description; without it the sparse
            regression of the paper, of which `samples`, `dimension`, `sparsity`, `data_mean`, `seed` and so on are
            told.
        model: its kind where nothing that is told decides it: `uv_product`, or `uv`.
        optimizer: its kind, where another one is meant than what is told stands for: `nesterov`.
        name: of the experiment.
        tags: of the experiment.
        linked: names of axes that change together, such as `[("seed", "init_seed")]`: of the first and the second, and
            so on, values at equal places are of one run.
        transform: of own data, such as `{"X": "standardise"}`.
        told: an axis by its name, as one value or many: a number, a list, a range, an array of any library, or what
            `linspace`, `logspace`, `fractions` and `multiples` make; or another member of a part of the spec, such as
            `loss_tolerance`. `momentum` is of the heavy ball, `batch_size` of minibatch SGD, `init_seed` of a normal
            start, and so on: `PLACES` and `KINDS` have them all.

    Raises:
        TypeError: nothing of that name can be told, or two that exclude each other.
        UnusableValue: a value cannot be sent.
    """
    _require_known(told)
    parts: dict[str, dict[str, Any]] = {part: {"kind": kind} for part, kind in _kinds(told).items()}
    for part, kind in (("model", model), ("optimizer", optimizer)):
        if kind is not None:
            parts[part]["kind"] = kind
    parts["data"] = _data(data, parts["data"], transform)
    for each, value in told.items():
        part, member = PLACES[each]
        parts.setdefault(part, {})[member] = _values(each, value)
    groups = [_several(group, "/zip") for group in _several(linked, "/zip")]
    named = {"name": name, "tags": _several(tags, "/tags"), "zip": groups}
    return {member: value for member, value in named.items() if value} | parts


def _several(given: Sequence[Any], where: str) -> list[Any]:
    """As they are given; the letters of one name are no names."""
    if isinstance(given, str):
        raise UnusableValue(where, f"one name stands where several are expected: [{given!r}]")
    return list(given)


def _require_known(told: Mapping[str, Any]) -> None:
    for each in told:
        if each not in PLACES:
            near = get_close_matches(each, PLACES, n=1)
            hint = f"; did you mean {near[0]}?" if near else f": these are {', '.join(PLACES)}"
            raise TypeError(f"nothing called {each} can be told of a sweep{hint}")


def _kinds(told: Mapping[str, Any]) -> dict[str, str]:
    return {part: _kind(part, usual, [each for each in told if each in KINDS]) for part, usual in _USUAL.items()}


def _kind(part: str, usual: str, deciding: Sequence[str]) -> str:
    mine = [each for each in deciding if KINDS[each][0] == part]
    kinds = {KINDS[each][1] for each in mine}
    meant = [kind for kind in kinds if all(other == kind or (kind, other) in BESIDE for other in kinds)]
    if kinds and not meant:
        raise TypeError(f"{' and '.join(mine)} exclude each other: no {part} has both")
    return meant[0] if meant else usual


def _data(data: Any, usual: dict[str, Any], transform: Mapping[str, Any] | None) -> dict[str, Any]:
    own = usual if data is None else _own_data(data)
    return own if transform is None else own | {"transform": plain(transform)}


def _own_data(data: Any) -> dict[str, Any]:
    if isinstance(data, str):
        return {"kind": "dataset", "id": data}
    if isinstance(data, Mapping):
        if "kind" in data:
            return dict(plain(data, "/data"))
        return {"kind": "dataset", "id": data["id"]} if "id" in data else {"kind": "inline"} | plain(data, "/data")
    if isinstance(data, Sequence) and len(data) == len(("X", "y")):
        return {"kind": "inline", "X": plain(data[0], "/data/X"), "y": plain(data[1], "/data/y")}
    raise UnusableValue("/data", "this is (X, y), arrays by name, or the id of an uploaded data set")


def _values(name: str, value: Any) -> Any:
    """One value as it is, many as the values of an axis."""
    found = plain(value, f"/{'/'.join(PLACES[name])}")
    return {"values": found} if isinstance(found, list) and name not in VECTORS else found


def _multiples(given: tuple[Any, ...]) -> list[float]:
    found = plain(list(given))
    if len(found) == 1:
        return [float(each) for each in (found[0] if isinstance(found[0], list) else found)]
    if len(found) != len(("start", "stop", "num")):
        raise TypeError("a start, a stop and how many values are wanted, or one list of multiples")
    start, stop, num = found
    step = (stop - start) / (num - 1) if num > 1 else 0.0
    return [*(index * step + start for index in range(num - 1)), float(stop)]
