"""What to expect of large steps on a data set, and what to train on it: sentences, and parts of a spec.

Rules of thumb over the numbers of an analysis; the numbers themselves are computed or proven elsewhere.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from core.analysis.data_analysis import Advice, DataAnalysis

OFF_CENTRE: Final = 0.5
"""Mean share from which on the mean outweighs the spread: μ² ≥ σ² in the paper's data."""

CENTRED: Final = 0.05
"""Mean share below which there is hardly a mean: the paper's effect rests on one."""

UNEVEN: Final = 10.0
"""Ratio of the largest column to the least from which on one of them decides what is stable."""

OUT_OF_REACH: Final = 30.0
"""Ratio of η* to what is stable at the limit of the flow from which on descent does not come near its interpolator."""

NEAR: Final = 0.95
"""Of η*: about as close as a run converges in good time."""

FRACTIONS: Final = (0.1, 0.3, 0.9)
"""Of the limit of the flow: slow, sure, and close to where it stops being one."""


def regime(known: DataAnalysis) -> str:
    """What large steps can do here, in a sentence."""
    if (nothing := _nothing_to_fit(known)) is not None:
        return nothing
    if known.interpolates is None:
        return "Which predictors fit these data is not known in float64: centre or scale the columns."
    return _of_interpolators(known) if known.interpolates else _of_least_squares(known)


def _of_least_squares(known: DataAnalysis) -> str:
    is_unique = known.rank == known.dimension
    room = "are unique: steps change the way there alone" if is_unique else "are many predictors"
    ends = "descent on all of them ends at the least squares"
    return f"No predictor fits the {known.samples} samples exactly: {ends}, which {room}."


def _of_interpolators(known: DataAnalysis) -> str:
    if _is_unique(known):
        return "Exactly one predictor fits these data: there is none to choose, and steps change the way there alone."
    if is_out_of_reach(known):
        return (
            f"η* is {_ratio(known):.2g} times what is stable at the limit of gradient flow: it belongs to an "
            "interpolator that descent does not come near, and no fraction of it is a guide."
        )
    if (known.mean_share or 0.0) >= OFF_CENTRE:
        return "The columns are off centre: flat interpolators are close to sparse, and large steps lead to them."
    if (known.mean_share or 0.0) <= CENTRED:
        return "The columns are centred: what large steps find is flatter and hardly sparser; expect little of them."
    return "The columns are a little off centre: expect some of the effect of large steps."


def _nothing_to_fit(known: DataAnalysis) -> str | None:
    """Why no step size matters, where X or y is 0; one sample is, once it is centred."""
    if known.rank == 0:
        once = ", as one sample is once it is centred or standardised" if known.samples == 1 else ""
        return f"Every column of X is 0{once}: no predictor differs from another, and nothing is trained."
    if known.target_mean == 0 and known.target_spread == 0:
        return "y is 0, which parameters of 0 fit: no step size is unstable there, and there is nothing to find."
    return None


def _is_unique(known: DataAnalysis) -> bool:
    """Whether one predictor interpolates, and no other."""
    return known.interpolates is True and known.rank == known.dimension


def is_out_of_reach(known: DataAnalysis) -> bool:
    """Whether η* says nothing of descent from here."""
    return _ratio(known) >= OUT_OF_REACH


def advice(known: DataAnalysis) -> Advice:
    """What to train on these data."""
    return Advice(sentences=tuple(_sentences(known)), transform=_transform(known), step_size=_step_size(known))


def _ratio(known: DataAnalysis) -> float:
    """η* over what is stable at the limit of the flow; 0 where one is not known."""
    if known.max_stable_step is None or known.flow_stable_step is None:
        return 0.0
    return known.max_stable_step / known.flow_stable_step


def _transform(known: DataAnalysis) -> Mapping[str, str] | None:
    return {"X": "standardise", "y": "centre"} if _is_to_standardise(known) else None


def _is_to_standardise(known: DataAnalysis) -> bool:
    """Whether it changes the columns for the better; one sample it would turn to 0, and data that are 0 it leaves."""
    if known.samples == 1 or _nothing_to_fit(known) is not None:
        return False
    is_uneven = (known.column_scale_ratio or 0.0) >= UNEVEN
    return is_uneven or (is_out_of_reach(known) and not _is_even(known)) or known.interpolates is None


def _is_even(known: DataAnalysis) -> bool:
    """Whether the columns, standardised, would be much the same."""
    return (known.column_scale_ratio or 0.0) < UNEVEN and (known.mean_share or 0.0) < OFF_CENTRE


def _step_size(known: DataAnalysis) -> Mapping[str, Any] | None:
    if known.flow_stable_step is not None:
        near = float(f"{NEAR * _ratio(known):.3g}")
        beyond = [near] if near > 1 and not is_out_of_reach(known) else []
        return {"multiples_of": "flow_stable_step", "values": [*FRACTIONS, *beyond]}
    if known.start_stable_step is not None:
        return {"multiples_of": "start_stable_step", "values": list(FRACTIONS)}
    return None


def _sentences(known: DataAnalysis) -> Iterator[str]:
    if known.constant_columns:
        columns = ", ".join(str(column) for column in known.constant_columns[:10])
        more = ", …" if len(known.constant_columns) > 10 else ""
        yield f"Constant columns, counted from 0: {columns}{more}; standardised they keep their scale, and are 0."
    if known.samples == 1:
        yield "Leave the one sample as it is: centred or standardised its columns are 0, and nothing is trained."
    elif (known.column_scale_ratio or 0.0) >= UNEVEN and _nothing_to_fit(known) is None:
        yield (
            f"The largest column is {known.column_scale_ratio:.3g} times the least: it alone decides which steps are "
            "stable. Standardise X, and centre y with it, for centred columns alone fit no y of another mean than 0."
        )
    if is_out_of_reach(known) and _is_even(known):
        yield (
            f"The columns are alike enough, and to standardise them is no help: start from a smaller scale than "
            f"{known.init_scale:g}, or scale y up, for descent stays close to a start that is large beside what fits y."
        )
    if known.flow_stable_step is not None:
        yield (
            f"Up to {known.flow_stable_step:.3g} descent from scale {known.init_scale:g} can end where gradient flow "
            "does; give step sizes as multiples of that."
        )
    elif known.start_stable_step is not None:
        yield f"Descent from scale {known.init_scale:g} can begin with steps up to {known.start_stable_step:.3g}."
    if known.expected_gain is not None and not _is_unique(known):
        yield (
            f"On the held-out samples the flattest interpolator {_saves(known.expected_gain)} of the test loss of the "
            f"limit of gradient flow{', if descent gets there' if is_out_of_reach(known) else ''}."
        )
    if known.interpolates is False:
        yield "Compare runs with ridge and lasso of the same norm, where the analysis of an experiment has them."


def _saves(gain: float) -> str:
    return f"saves {gain:.0%}" if gain >= 0 else f"adds {-gain:.0%}"
