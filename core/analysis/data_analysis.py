"""What a data set says of large steps before any training, as a record and as the document that is stored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from core.analysis.problem_analysis import ReferenceInterpolator


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to train on these data, for people (`sentences`) and as parts of a spec; None is nothing to be done."""

    sentences: Sequence[str]
    transform: Mapping[str, str] | None
    step_size: Mapping[str, Any] | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The advice as it was stored."""
        return cls(**{**document, "sentences": tuple(document["sentences"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class DataAnalysis:
    """The data by themselves, and as a problem of the network called `network`.

    `largest_eigenvalue` is λ_max(XᵀX/N), and `linear_max_step` = 2/λ_max the largest stable step of plain linear
    regression. `mean_share` = Σ(Êx_i)²/ΣÊ[x_i²] is 0 for centred columns and 1 for constant ones; `mean_to_spread` is
    the median over columns of |Êx_i| over the standard deviation, `target_mean` and `target_spread` those of y.
    `column_means` and `column_spreads` are those of every column, None for more than a thousand; `column_scale_ratio`
    is the largest √Ê[x_i²] over the least that is not 0, and `constant_columns` are counted from 0.

    At steps up to `start_stable_step` descent from u± = `init_scale` is stable at first, up to `flow_stable_step` at
    the limit of gradient flow from there, up to `least_norm_stable_step` at the interpolator of least ℓ2 norm, up to
    `max_stable_step` at the flattest one; above `never_stable_above` none is. None is not known, and `unknown_because`
    says why.

    `references` are worth what they are on held-out samples, where there are any: interpolators by what they minimise,
    and the limit of the flow. `expected_gain` is the part of the flow's test loss that the flattest one saves, at most
    1, negative where it costs. `regime` says in a sentence what to expect of large steps, `advice` what to train.
    """

    network: str
    samples: int
    dimension: int
    rank: int
    largest_eigenvalue: float | None
    linear_max_step: float | None
    mean_share: float | None
    mean_to_spread: float | None
    target_mean: float | None
    target_spread: float | None
    column_means: Sequence[float] | None = None
    column_spreads: Sequence[float] | None = None
    column_scale_ratio: float | None = None
    constant_columns: Sequence[int] = ()
    interpolates: bool | None = None
    init_scale: float | None = None
    start_stable_step: float | None = None
    flow_stable_step: float | None = None
    least_norm_stable_step: float | None = None
    max_stable_step: float | None = None
    never_stable_above: float | None = None
    unknown_because: str | None = None
    references: Mapping[str, ReferenceInterpolator] = field(default_factory=dict)
    expected_gain: float | None = None
    regime: str = ""
    advice: Advice | None = None

    def to_json(self) -> bytes:
        """The document that is stored."""
        return json.dumps(asdict(self), allow_nan=False).encode()

    @classmethod
    def from_json(cls, stored: bytes) -> Self:
        """The analysis that `to_json` wrote."""
        document: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(stored).items()
        }
        references = {name: ReferenceInterpolator(**entry) for name, entry in document.pop("references", {}).items()}
        advice = document.pop("advice", None)
        return cls(**document, references=references, advice=None if advice is None else Advice.of(advice))
