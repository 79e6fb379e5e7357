"""Which specs this version runs. A valid spec may ask for more; every part that is not run is refused by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.errors import StepbiasError
from core.spec import Centring, ExperimentSpec, InlineData

RUNNABLE_KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "data": ("sparse_regression", "inline"),
        "model": ("diagonal", "uv"),
        "initialization": ("uniform", "normal", "vector"),
        "optimizer": ("gradient_descent", "sgd", "label_noise", "heavy_ball"),
    }
)
"""The kinds that are run, of each part of a spec that comes in kinds."""

@dataclass(frozen=True, kw_only=True, slots=True)
class UnsupportedPart:
    """One place of a spec (a JSON Pointer into it) and the sentence that says what can stand there instead."""

    pointer: str
    sentence: str


class UnsupportedSpec(StepbiasError):
    """A spec that is valid but asks for something that is not run; `parts` names every such thing."""

    def __init__(self, parts: tuple[UnsupportedPart, ...]) -> None:
        super().__init__("This spec asks for something that is not run yet.")
        self.parts = parts


def require_supported(spec: ExperimentSpec) -> None:
    """Return if every part of the spec is run.

    Raises:
        UnsupportedSpec: some part is not. No part is ever left out of a run silently.
    """
    parts = (*_unsupported_kinds(spec), *_unsupported_data(spec))
    if parts:
        raise UnsupportedSpec(parts)


def _unsupported_kinds(spec: ExperimentSpec) -> Iterator[UnsupportedPart]:
    for part, kinds in RUNNABLE_KINDS.items():
        kind = getattr(spec, part).kind
        if kind not in kinds:
            wanted = f"use {kinds[0]}" if len(kinds) == 1 else f"use one of: {', '.join(kinds)}"
            yield UnsupportedPart(pointer=f"/{part}/kind", sentence=f"{kind} is not run yet; {wanted}")


def _unsupported_data(spec: ExperimentSpec) -> Iterator[UnsupportedPart]:
    if not isinstance(spec.data, InlineData):
        return
    if spec.data.true_predictor is not None:
        sentence = "a true predictor is not used yet; leave it out, and send held-out samples to have a test loss"
        yield UnsupportedPart(pointer="/data/true_predictor", sentence=sentence)
    transform = spec.data.transform
    for letter, centring in (("X", transform.X), ("y", transform.y)):
        if centring is not Centring.NONE:
            sentence = f"{centring} is not done yet; use none and transform the numbers before sending them"
            yield UnsupportedPart(pointer=f"/data/transform/{letter}", sentence=sentence)
    if transform.offset:
        yield UnsupportedPart(pointer="/data/transform/offset", sentence="offsets are not added yet; leave it out")
