"""What clients ask for: small specs of many kinds, drawn from a seed, and a few that take seconds."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from core.spec.experiment_spec import ExperimentSpec

SEEDS: Final = 40
"""Data sets of a kind: few enough that some are known already, and many enough that some are not."""

_SMALL: Final = {"kind": "sparse_regression", "samples": 8, "dimension": 12, "sparsity": 2}
_INLINE: Final = {"kind": "inline", "X": [[1.0, 2.0, 0.5], [0.5, -1.0, 2.0]], "y": [1.0, 0.5]}
_UNIFORM: Final = {"kind": "uniform"}


def _fractions(kind: str, fractions: Sequence[float], **others: Any) -> dict[str, Any]:
    step_size = {"fractions_of_max_stable": list(fractions)}
    return {"kind": kind, "step_size": step_size, "warmup_steps": 500} | others


def _spec(data: Mapping[str, Any], optimizer: Mapping[str, Any], **others: Any) -> Mapping[str, Any]:
    return MappingProxyType(
        {
            "data": dict(data),
            "initialization": _UNIFORM,
            "optimizer": dict(optimizer),
            "stopping": {"loss_tolerance": 1e-8, "max_steps": 30_000},
            "recording": {"points": 10},
        }
        | others
    )


KINDS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "gradient descent": _spec(_SMALL, _fractions("gradient_descent", [0.3, 0.9])),
        "given steps": _spec(_SMALL, {"kind": "gradient_descent", "step_size": {"values": [0.001, 0.002, 0.2]}}),
        "depth 3": _spec(_SMALL, _fractions("gradient_descent", [0.3, 0.9]), model={"kind": "diagonal", "depth": 3}),
        "uv": _spec(_SMALL, _fractions("gradient_descent", [0.4, 0.8]), model={"kind": "uv", "shape": 0.5}),
        "normal": _spec(_SMALL, _fractions("gradient_descent", [0.3]), initialization={"kind": "normal"}),
        "sgd": _spec(_SMALL, _fractions("sgd", [0.1, 0.4], batch_size=4)),
        "label noise": _spec(_SMALL, _fractions("label_noise", [0.2, 0.5], noise_variance=0.1, noise_steps=2000)),
        "heavy ball": _spec(_SMALL, _fractions("heavy_ball", [0.3, 0.8], momentum=0.5)),
        "twins": _spec(_SMALL, _fractions("gradient_descent", [0.9]), recording={"points": 10, "sensitivity": True}),
        "inline": _spec(_INLINE, _fractions("gradient_descent", [0.2, 0.5, 0.9])),
    }
)
"""Specs without their scales and data seeds."""

LONG: Final = "long"
_LONG: Final = _spec(
    {"kind": "sparse_regression"},
    _fractions("gradient_descent", [0.1, 0.2, 0.4, 0.6, 0.8, 0.9], warmup_steps=60_000),
    stopping={"loss_tolerance": 1e-12, "max_steps": 200_000, "finish": "iterate"},
)
"""On the paper's data: seconds of work in several batches, with checkpoints."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A spec that was drawn: a kind with these scales and data seeds (none for inline data)."""

    kind: str
    scales: tuple[float, ...]
    seeds: tuple[int, ...]
    name: str

    def document(self) -> dict[str, Any]:
        """The spec, as it is sent."""
        spec = _LONG if self.kind == LONG else KINDS[self.kind]
        data = spec["data"] | ({"seed": {"values": list(self.seeds)}} if self.seeds else {})
        initialization = spec["initialization"] | {"scale": {"values": list(self.scales)}}
        return {"name": self.name, **spec, "data": data, "initialization": initialization}

    def spec(self) -> ExperimentSpec:
        """The spec, as it is understood."""
        return ExperimentSpec.model_validate(self.document())


class Wish(StrEnum):
    """What a client does next."""

    NEW = "new"
    AGAIN = "again"
    RENAMED = "renamed"
    CANCELLED = "cancelled"


_WEIGHTS: Final = {Wish.NEW: 78, Wish.AGAIN: 8, Wish.RENAMED: 6, Wish.CANCELLED: 8}


def wishes(seed: str, *, longs: float = 0.02) -> Iterator[tuple[Wish, Drawn]]:
    """What one client asks for, one after the other: the same for the same seed.

    Args:
        seed: of this client.
        longs: the share of specs that take seconds.
    """
    rng = random.Random(seed)
    asked: list[Drawn] = []
    for number in itertools.count():
        wish = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        fresh = _draw(rng, f"{seed}/{number}", longs)
        if wish in {Wish.AGAIN, Wish.RENAMED} and asked:
            old = rng.choice(asked[-200:])
            name = old.name if wish is Wish.AGAIN else fresh.name
            fresh = Drawn(kind=old.kind, scales=old.scales, seeds=old.seeds, name=name)
        asked.append(fresh)
        yield wish, fresh


def _draw(rng: random.Random, name: str, longs: float) -> Drawn:
    is_long = rng.random() < longs
    kind = LONG if is_long else rng.choice(list(KINDS))
    scales = {round(10 ** rng.uniform(-1.3, 0.3), 4) for _ in range(6 if is_long else rng.choice([1, 1, 2, 3]))}
    # Several data sets make several jobs, in the queue of long work.
    count = 0 if kind == "inline" else 1 if is_long else rng.choice([1, 1, 2, 4, 6])
    seeds = rng.sample(range(SEEDS), count)
    return Drawn(kind=kind, scales=tuple(sorted(scales)), seeds=tuple(sorted(seeds)), name=name)
