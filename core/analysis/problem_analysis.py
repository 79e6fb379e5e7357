"""What is known of a problem before any training, as a record and as the document that is stored.

A problem is a data set with a network: all that is known before any training belongs to the two together.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceInterpolator:
    """What an interpolator is worth, with its `sharpness` at the flattest parameters θ ≥ 0 that have it.

    No interpolator has an objective below `lower_bound`; `residual` is max|Xβ − y|/max|y|. None is not known.
    """

    excess_risk: float | None = None
    test_loss: float | None = None
    l1_norm: float | None = None
    l2_norm: float | None = None
    sharpness: float | None = None
    objective: float | None = None
    lower_bound: float | None = None
    residual: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PenalisedReference:
    """What a ridge or lasso predictor of this `penalty` κ is worth, 0 for the least squares of least ‖β‖₂.

    They minimise L + ½κ‖β‖₂² and L + κ‖β‖₁; `gap` bounds by how much the objective exceeds the least one, relatively.
    `sharpness` is that of the least squares, at the flattest parameters θ ≥ 0 that have them.
    """

    penalty: float
    gap: float | None = None
    train_loss: float | None = None
    excess_risk: float | None = None
    test_loss: float | None = None
    l1_norm: float | None = None
    l2_norm: float | None = None
    sharpness: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemAnalysis:
    """The reference interpolators of a problem and its largest stable step.

    `min_sharpness_lower` ≤ min λ_max ≤ `min_sharpness_upper`; `max_stable_step` is 2/upper, and no interpolator is
    stable above `never_stable_above` = 2/lower. At odd depth these are for parameters θ ≥ 0; the same for parameters of
    any sign, which may be flatter, has `sign_free` in its name. Where nothing interpolates, or float64 does not suffice
    to say what does, these are None and `no_interpolator` says why. Where nothing does, no least squares are stable
    above `never_stable_above`; `least_squares`, `ridge` and `lasso` are what runs are compared with, by growing norm
    (`core.analysis.penalised`), and `penalised_left_out` says what of them is not there, and why; else they are empty.
    """

    data_key: str
    network: str
    depth: int
    digest: str
    samples: int
    dimension: int
    no_interpolator: str | None = None
    interpolators: Mapping[str, ReferenceInterpolator] = field(default_factory=dict)
    min_sharpness_upper: float | None = None
    min_sharpness_lower: float | None = None
    min_sharpness_gap: float | None = None
    max_stable_step: float | None = None
    never_stable_above: float | None = None
    min_sharpness_sign_free_upper: float | None = None
    min_sharpness_sign_free_lower: float | None = None
    max_stable_step_sign_free: float | None = None
    never_stable_above_sign_free: float | None = None
    least_squared_mean: float | None = None
    largest_second_moment: float | None = None
    least_squares: PenalisedReference | None = None
    ridge: Sequence[PenalisedReference] = ()
    lasso: Sequence[PenalisedReference] = ()
    penalised_left_out: str | None = None

    @property
    def least_norm_stable_step(self) -> float | None:
        """2/λ_max at the interpolator of least ℓ2 norm, at the flattest parameters θ ≥ 0 that have it.

        Where nothing interpolates, at the least squares of least ℓ2 norm.
        """
        sharpness = getattr(self.interpolators.get("min_l2", self.least_squares), "sharpness", None)
        return 2 / sharpness if sharpness else None

    def to_json(self) -> bytes:
        """The document that is stored.

        Raises:
            ValueError: a number is not finite.
        """
        return json.dumps(asdict(self), allow_nan=False).encode()

    @classmethod
    def from_json(cls, stored: bytes) -> Self:
        """The analysis that `to_json` wrote; what a document of another release does not say is not known."""
        document = json.loads(stored)
        interpolators = {
            name: ReferenceInterpolator(**_known(ReferenceInterpolator, entry))
            for name, entry in document.get("interpolators", {}).items()
        }
        paths = {name: tuple(map(_penalised, document.get(name, ()))) for name in ("ridge", "lasso")}
        least = document.get("least_squares")
        penalised = paths | {"least_squares": None if least is None else _penalised(least)}
        return cls(**_known(cls, document) | {"interpolators": interpolators} | penalised)


def _penalised(entry: Mapping[str, Any]) -> PenalisedReference:
    return PenalisedReference(**_known(PenalisedReference, entry))


def _known(
    record: type[ReferenceInterpolator | PenalisedReference | ProblemAnalysis], document: Mapping[str, Any]
) -> dict[str, Any]:
    """The members of a document that the record has."""
    return {entry.name: document[entry.name] for entry in fields(record) if entry.name in document}
