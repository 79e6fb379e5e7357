"""What a data set says of large steps before any training, as a record and as the document that is stored."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class DataAnalysis:
    """The data by themselves, and as a problem of the network called `network`.

    `largest_eigenvalue` is λ_max(XᵀX/N), and `linear_max_step` = 2/λ_max the largest stable step of plain linear
    regression. `mean_share` = Σ(Êx_i)²/ΣÊ[x_i²] is 0 for centred columns and 1 for constant ones; `mean_to_spread` is
    the median over columns of |Êx_i| over the standard deviation, `target_mean` and `target_spread` those of y.

    At steps up to `least_norm_stable_step` the interpolator of least ℓ2 norm is stable, up to `max_stable_step` the
    flattest one; above `never_stable_above` none is. None is not known, and `unknown_because` says why.
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
    least_norm_stable_step: float | None = None
    max_stable_step: float | None = None
    never_stable_above: float | None = None
    unknown_because: str | None = None

    def to_json(self) -> bytes:
        """The document that is stored."""
        return json.dumps(asdict(self), allow_nan=False).encode()

    @classmethod
    def from_json(cls, stored: bytes) -> Self:
        """The analysis that `to_json` wrote."""
        return cls(**json.loads(stored))
