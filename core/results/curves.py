"""Aggregated curves: one quantity of the runs against one axis of the grid, as median and quartile band.

Axis values, medians and counts only; what a curve looks like is `core.figures`' affair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64

from core.analysis.problem_analysis import ProblemAnalysis
from core.errors import InvalidChoice
from core.outcome import WITH_LIMIT
from core.results.result import Summary, check_one_per_run
from core.results.rounding import is_decided_by_rounding
from core.results.variables import COORDINATES, VARIABLES, Kind, Variable
from core.spec.axes import Axis
from core.spec.experiment_spec import Data, InlineData, UploadedData
from core.sweep.arrangement import Arrangement, arrange
from core.sweep.grid import Grid

Numbers = tuple[float | None, ...]

QUARTILES: Final = (0.25, 0.5, 0.75)

FLOW_LIMITS: Final = {"excess_risk": "flow_excess_risk", "test_loss": "flow_test_loss"}
"""Quantities whose gradient-flow limit every run carries, whatever its own end."""

KERNEL_LIMITS: Final = {"excess_risk": "kernel_excess_risk", "test_loss": "kernel_test_loss"}
"""The same of the limit of the kernel regime."""

BASELINES: Final = {
    "min_l1": "least ℓ1 norm",
    "min_l2": "least ℓ2 norm",
    "least_trace": "least trace",
    "flattest": "flattest interpolator",
    "least_parameter_norm": "least ‖θ‖₂, a local minimum",
}
"""The reference interpolators that are drawn as constant lines."""

DEFAULT_QUANTITIES: Final = ("test_loss", "excess_risk", "l1_norm")
"""What says most about where a run went, first that of the paper's figures; of user data some are not known."""

COUNTS: Final = ("runs", "not_converged", "without_value", "missing", "decided_by_rounding")
"""What is counted of the runs at each point of a curve: each is in one of the first four, unless it is left out."""


class Inclusion(StrEnum):
    """Which runs enter: those that converged, of these the ones that rounding did not decide, or all that have a value.

    The end point of a run that did not converge is no limit, so by default it does not count as one. Quantities that do
    not belong to a limit, such as the number of steps, are taken from all runs whether they converged or not.
    """

    CONVERGED = "converged"
    CERTAIN = "certain"
    ALL = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One line: the quantity against the values of x; None is a gap, where no run has a value.

    Of the runs at each point, `runs` entered, `not_converged` are stored and stay out because they did not converge,
    `without_value` are stored and do not have this quantity, and `missing` are not stored (yet). `decided_by_rounding`
    (`core.results.rounding`) are among those that entered, or were left out in their place. `series` is the line's own
    value, None for a single line.
    """

    series: float | None
    median: Numbers
    lower_quartile: Numbers
    upper_quartile: Numbers
    runs: tuple[int, ...]
    not_converged: tuple[int, ...]
    without_value: tuple[int, ...]
    missing: tuple[int, ...]
    decided_by_rounding: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Candidates:
    """Which runs are stored, may enter by their outcome, and are decided by rounding; these may be left out."""

    stored: Bool[np.ndarray, "series point run"]
    eligible: Bool[np.ndarray, "series point run"]
    decided: Bool[np.ndarray, "series point run"]
    leaves_out: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """A constant line: the quantity at a reference interpolator, median and quartiles over `problems` problems.

    `series` is set where the lines of the series are of different problems, each with its own baseline.
    """

    name: str
    label: str
    series: float | None
    value: float
    lower_quartile: float
    upper_quartile: float
    problems: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """A family of curves. `x_values` are shared by all.

    Against the same x `flow_limits` is η → 0, and `kernel_limits` what the network linearised at its start tends to.
    """

    x: Variable
    y: Variable
    series: Variable | None
    over: str | None
    where: Mapping[str, float]
    x_values: tuple[float, ...]
    curves: tuple[Curve, ...]
    baselines: tuple[Baseline, ...]
    flow_limits: tuple[Curve, ...]
    kernel_limits: tuple[Curve, ...]

    def to_document(self) -> dict[str, Any]:
        """The family in plain dicts and lists; gaps are null.

        `counts` says of all runs how many entered (`runs`), stayed out because they did not converge (`not_converged`)
        or because they do not have the quantity (`without_value`), and are not stored yet (`missing`), and how many are
        `decided_by_rounding`; each curve says the same of each of its points.
        """
        return {
            "x": _named(self.x) | {"values": list(self.x_values)},
            "y": _named(self.y),
            "series": self.series and _named(self.series),
            "over": self.over,
            "where": dict(self.where),
            "counts": {count: sum(sum(getattr(curve, count)) for curve in self.curves) for count in COUNTS},
            "curves": [_curve_document(curve) for curve in self.curves],
            "baselines": [_plain(baseline) for baseline in self.baselines],
            "flow_limits": [_curve_document(curve) for curve in self.flow_limits],
            "kernel_limits": [_curve_document(curve) for curve in self.kernel_limits],
        }


def default_quantity(data: Data, summaries: Sequence[Summary | None]) -> str:
    """The first of `DEFAULT_QUANTITIES` that any of the runs has; while none has one, the first that such data allow.

    Both the figure and the curves of an experiment show it where nothing else is asked for.
    """
    for name in DEFAULT_QUANTITIES:
        if any(summary is not None and summary.get(name) is not None for summary in summaries):
            return name
    if isinstance(data, InlineData):
        return "l1_norm" if data.held_out_X is None else "test_loss"
    if isinstance(data, UploadedData):
        return "l1_norm"
    return DEFAULT_QUANTITIES[0]


def curves(  # noqa: PLR0913 - each is a parameter of the question, and all are named
    grid: Grid,
    summaries: Sequence[Summary | None],
    *,
    x: str,
    y: str,
    series: str | None = None,
    over: str = "seed",
    where: Mapping[str, float] | None = None,
    include: Inclusion = Inclusion.CONVERGED,
    analyses: Mapping[str, ProblemAnalysis] | None = None,
) -> Curves:
    """Median and quartiles of `y` over the axis `over`, against the axis `x`, one curve for each value of `series`.

    Every other axis must have one value, or be fixed at one by `where`. Quartiles interpolate linearly between order
    statistics. `over="seed"` asks for nothing where the data seed is not swept or is used otherwise. Baselines come
    from `analyses` (by problem key), over the problems of the runs that are drawn; where x itself changes the problem
    there are none.

    Raises:
        InvalidChoice: x, series, over or where name no axis, or no value of it; y is no number; or an axis is left
            over. `field` says which, `choices` what would do.
        ValueError: there is not one summary (or None) for each run of the grid.
    """
    check_one_per_run(grid, summaries)
    arrangement = arrange(grid, x=x, series=series, over=over, where=where or {})
    variable = _numeric(y)
    values = arrangement.table(_column(summaries, variable.name))
    stored = arrangement.table(np.array([summary is not None for summary in summaries]))
    eligible = stored
    if include is not Inclusion.ALL and variable.of_limit:
        eligible = stored & arrangement.table(np.array([_has_converged(summary) for summary in summaries]))
    return Curves(
        x=COORDINATES[x],
        y=variable,
        series=COORDINATES[series] if series else None,
        over=arrangement.over.name if arrangement.over else None,
        where=arrangement.where,
        x_values=arrangement.x.values,
        curves=_lines(
            arrangement,
            values,
            _Candidates(
                stored=stored,
                eligible=eligible,
                decided=arrangement.table(np.array([is_decided_by_rounding(summary) for summary in summaries])),
                leaves_out=include is Inclusion.CERTAIN,
            ),
        ),
        baselines=_baselines(arrangement, variable.name, analyses or {}),
        flow_limits=_limits_of_start(arrangement, summaries, FLOW_LIMITS.get(variable.name)),
        kernel_limits=_limits_of_start(arrangement, summaries, KERNEL_LIMITS.get(variable.name)),
    )


def _numeric(y: str) -> Variable:
    choices = [name for name, variable in VARIABLES.items() if variable.kind is not Kind.TEXT]
    if y not in choices:
        raise InvalidChoice("y", choices, "y must be a numeric result of a run")
    return VARIABLES[y]


def _column(summaries: Sequence[Summary | None], name: str) -> Float64[np.ndarray, " run"]:
    """The variable of every run, NaN for null and for runs that are not there."""
    return np.array([(summary or {}).get(name) for summary in summaries], dtype=np.float64)


def _has_converged(summary: Summary | None) -> bool:
    return summary is not None and summary["outcome"] in WITH_LIMIT


def _lines(
    arrangement: Arrangement,
    values: Float64[np.ndarray, "series point run"],
    candidates: _Candidates,
) -> tuple[Curve, ...]:
    """The curves of the eligible runs that have a value."""
    stored, eligible = candidates.stored, candidates.eligible
    known = eligible & np.isfinite(values)
    decided = known & candidates.decided
    entering = known & ~decided if candidates.leaves_out else known
    lower, median, upper = _quantiles(values, entering)
    entered = entering.sum(axis=-1)
    not_converged = (stored & ~eligible).sum(axis=-1)
    without_value = (eligible & ~known).sum(axis=-1)
    missing = (~stored).sum(axis=-1)
    decided_by_rounding = decided.sum(axis=-1)
    return tuple(
        Curve(
            series=value,
            median=_gapped(median[line]),
            lower_quartile=_gapped(lower[line]),
            upper_quartile=_gapped(upper[line]),
            runs=tuple(entered[line].tolist()),
            not_converged=tuple(not_converged[line].tolist()),
            without_value=tuple(without_value[line].tolist()),
            missing=tuple(missing[line].tolist()),
            decided_by_rounding=tuple(decided_by_rounding[line].tolist()),
        )
        for line, value in enumerate(arrangement.series_values)
    )


def _quantiles(
    values: Float64[np.ndarray, "*point run"], entering: Bool[np.ndarray, "*point run"]
) -> Float64[np.ndarray, "3 *point"]:
    """The quartiles over the runs that enter, linear between order statistics; NaN where none does."""
    ordered = np.sort(np.where(entering, values, np.nan), axis=-1)  # NaN sorts last
    last = np.maximum(entering.sum(axis=-1) - 1, 0)
    return np.stack([_at(ordered, quantile * last) for quantile in QUARTILES])


def _at(ordered: Float64[np.ndarray, "*point run"], rank: Float64[np.ndarray, "*point"]) -> np.ndarray:
    below, above = np.floor(rank).astype(int)[..., None], np.ceil(rank).astype(int)[..., None]
    low, high = np.take_along_axis(ordered, below, axis=-1), np.take_along_axis(ordered, above, axis=-1)
    between = low + (rank[..., None] - below) * (high - low)
    interpolated: np.ndarray = between[..., 0]
    return interpolated


def _limits_of_start(
    arrangement: Arrangement, summaries: Sequence[Summary | None], name: str | None
) -> tuple[Curve, ...]:
    """A limit that depends on the start of each run, and on no step size: one line if the series are those.

    Only against the initialisation scale. No lines where no run has it.
    """
    if name is None or arrangement.x.name != "init_scale":
        return ()
    values = arrangement.table(_column(summaries, name))
    stored = arrangement.table(np.array([summary is not None for summary in summaries]))
    if arrangement.series and arrangement.series.part == "optimizer":
        values = _any_of_series(values)
        stored = np.asarray(stored.any(axis=0, keepdims=True))
        arrangement = replace(arrangement, series=None)
    candidates = _Candidates(stored=stored, eligible=stored, decided=np.zeros_like(stored))
    return _lines(arrangement, values, candidates) if np.isfinite(values).any() else ()


def _any_of_series(values: Float64[np.ndarray, "series point run"]) -> Float64[np.ndarray, "1 point run"]:
    """The first value along the series that is there: all of them are equal."""
    first = np.isfinite(values).argmax(axis=0)
    return np.take_along_axis(values, first[None], axis=0)


def _baselines(arrangement: Arrangement, y: str, analyses: Mapping[str, ProblemAnalysis]) -> tuple[Baseline, ...]:
    if not analyses or _is_problem_axis(arrangement, arrangement.x):
        return ()
    grid = arrangement.grid
    problem = arrangement.table(np.arange(len(grid)) // grid.runs_per_problem)
    of_series = arrangement.series is not None and _is_problem_axis(arrangement, arrangement.series)
    lines = problem if of_series else problem[:1]
    found = [
        _baseline(name, series, y, [analyses.get(grid.problem(number).key) for number in np.unique(line).tolist()])
        for series, line in zip(arrangement.series_values if of_series else (None,), lines, strict=True)
        for name in BASELINES
    ]
    return tuple(baseline for baseline in found if baseline is not None)


def _is_problem_axis(arrangement: Arrangement, axis: Axis) -> bool:
    return axis.name in {known.name for known in arrangement.grid.problem_axes}


def _baseline(name: str, series: float | None, y: str, analyses: Sequence[ProblemAnalysis | None]) -> Baseline | None:
    """The baseline over the problems whose analysis is there and has this quantity; None if none has."""
    references = [analysis.interpolators.get(name) for analysis in analyses if analysis is not None]
    known = [getattr(reference, y, None) for reference in references if reference is not None]
    values = np.array([value for value in known if value is not None], dtype=np.float64)
    if not values.size:
        return None
    lower, median, upper = np.quantile(values, QUARTILES).tolist()
    return Baseline(
        name=name,
        label=BASELINES[name],
        series=series,
        value=median,
        lower_quartile=lower,
        upper_quartile=upper,
        problems=len(values),
    )


def _gapped(values: Float64[np.ndarray, " point"]) -> Numbers:
    return tuple(value if np.isfinite(value) else None for value in values.tolist())


def _named(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "symbol": variable.symbol,
        "label": variable.label,
        "log_scaled": variable.log_scaled,
    }


def _plain(record: Baseline | Curve) -> dict[str, Any]:
    return {field: getattr(record, field) for field in type(record).__slots__}


def _curve_document(curve: Curve) -> dict[str, Any]:
    return {field: list(value) if isinstance(value, tuple) else value for field, value in _plain(curve).items()}
