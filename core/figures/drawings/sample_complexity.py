"""Risk of the flattest interpolator against the number of samples (theorem 5.2 of Nacson et al. 2022)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.analysis.problem_analysis import ProblemAnalysis
from core.data.regression import RECOVERED, risk_of_zero
from core.figures.axis import common_log_y, on_log_axis, span
from core.figures.caption import values_text
from core.figures.drawing import Contents, Drawing
from core.figures.family import MOST_NAMED
from core.figures.figure_data import Series, series
from core.figures.figure_spec import FigureSpec
from core.figures.findings import is_falling
from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.sample_complexity import SAMPLES, SampleComplexityLayout
from core.figures.layouts.selection import columns_of, run_at
from core.figures.legend import ColourScale, Legend
from core.figures.number_text import number_text
from core.figures.results import Results, has_converged
from core.figures.rug import Row, cross_handle, draw_rug, rug_height
from core.figures.style import BAND, GROUND, INK, MUTED, ordered_colours
from core.outcome import Outcome
from core.results.curves import QUARTILES
from core.results.result import Scalar, Summary
from core.results.variables import COORDINATES
from core.spec.axes import Axis
from core.spec.run_spec import PlainData, PlainSparseRegression
from core.sweep.grid import Grid

GUIDE: Final[Mapping[str, Any]] = {"linestyle": (0, (3, 3)), "linewidth": 1.0, "zorder": 1.4}
"""The dashed lines C·ζ²r*/N, with one constant C for the whole figure."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Relative:
    """Excess risks over that of β = 0: `flattest`, and `sparse` of least ℓ1, for each problem, `trained` for each run.

    `trained` is NaN unless the run has the largest step size and converged; `ended` are those of that step size that
    are stored, however they ended.
    """

    grid: Grid
    flattest: Float64[np.ndarray, " problem"]
    sparse: Float64[np.ndarray, " problem"]
    trained: Float64[np.ndarray, " run"]
    ended: Bool[np.ndarray, " run"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Line:
    """Against the samples: quartiles of the flattest interpolator, the median of trained runs, and ζ²r*/N.

    At the samples `recovered` the flattest interpolator is β* itself, at `recovered_by_l1` that of least ℓ1 norm; at
    those of `failed` runs have ended and none converged.
    """

    name: str
    colour: str
    samples: tuple[float, ...]
    flattest: Float64[np.ndarray, "3 point"]
    trained: Float64[np.ndarray, " point"]
    recovered: tuple[float, ...]
    recovered_by_l1: tuple[float, ...]
    failed: tuple[float, ...]
    guide: Float64[np.ndarray, " point"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Panel:
    """What one panel shows: its lines, the `constant` of their dashed ones, and its `name` among the others."""

    name: str
    lines: Sequence[_Line]
    constant: float


def _contents(results: Results, layout: SampleComplexityLayout) -> Contents[_Panel]:
    """Excess risk relative to that of β = 0: lines from the analyses alone, and trained runs (corollary 5.5)."""
    grid, relative = results.grid, _relative(results, layout)
    lines = [list(_lines(relative, layout, where)) for where in layout.panels]
    every = [line for panel in lines for line in panel]
    constant = _constant(every)
    return Contents(
        spec=FigureSpec(panels=len(lines), columns=columns_of(len(lines)), height=3.2, legend=2.2),
        title="Excess risk of the flattest interpolator against samples N",
        finding=_finding(every),
        notes=_notes(grid, layout),
        panels=[
            _Panel(name=_problem_text(grid, where), lines=panel, constant=constant)
            for panel, where in zip(lines, layout.panels, strict=True)
        ],
        y_labels=["excess risk R(β) / R(0)"],
        legend=Legend(handles=list(_legend(grid, layout, every)), scale=_scale(layout, every)),
    )


def _relative(results: Results, layout: SampleComplexityLayout) -> _Relative:
    grid = results.grid
    zero = np.array([_risk_of_zero(_drawn(problem.data)) for problem in grid.each_problem()])
    analyses = [results.analyses.get(problem.key) for problem in grid.each_problem()]
    flattest, sparse = ([_risk_of(name, analysis) for analysis in analyses] for name in ("flattest", "min_l1"))
    risks = np.array([_risk_of_run(summary) for summary in results.summaries], dtype=np.float64)
    stored = np.array([_has_ended(summary) for summary in results.summaries])
    chosen = np.ones(grid.shape, dtype=bool)
    for position, axis in enumerate(grid.axes):
        if axis.name in layout.step_size:
            largest = np.array(axis.values) == layout.step_size[axis.name]
            chosen &= np.expand_dims(largest, tuple(k for k in range(len(grid.axes)) if k != position))
    return _Relative(
        grid=grid,
        flattest=np.array(flattest, dtype=np.float64) / zero,
        sparse=np.array(sparse, dtype=np.float64) / zero,
        trained=np.where(chosen.ravel(), risks / np.repeat(zero, grid.runs_per_problem), np.nan),
        ended=chosen.ravel() & stored,
    )


def _drawn(data: PlainData) -> PlainSparseRegression:
    if not isinstance(data, PlainSparseRegression):
        raise UnsuitableFigure("the risk of user data is not known")
    return data


def _risk_of_zero(data: PlainSparseRegression) -> float:
    return risk_of_zero(float(data.mean), float(data.variance), float(data.sparsity))


def _risk_of(name: str, analysis: ProblemAnalysis | None) -> float | None:
    interpolator = None if analysis is None else analysis.interpolators.get(name)
    return None if interpolator is None else interpolator.excess_risk


def _has_ended(summary: Summary | None) -> bool:
    """Whether it is there, and was trained for more than the steps that were asked for."""
    return summary is not None and summary["outcome"] != Outcome.STOPPED


def _risk_of_run(summary: Summary | None) -> Scalar:
    return summary.get("excess_risk") if summary and has_converged(summary) else None


def _lines(relative: _Relative, layout: SampleComplexityLayout, panel: Mapping[str, float]) -> Iterator[_Line]:
    grid = relative.grid
    samples = np.sort(next(axis.values for axis in grid.axes if axis.name == SAMPLES))
    for at, colour in zip(layout.lines, ordered_colours(len(layout.lines)), strict=True):
        where = {**panel, **at}
        trained = _along_samples(grid.axes, relative.trained, where)
        ended = _along_samples(grid.axes, relative.ended, where).any(axis=1)
        medians = on_log_axis(_quartiles(trained)[1])
        flattest = _quartiles(_along_samples(grid.problem_axes, relative.flattest, where))
        recovered = flattest[1] < RECOVERED
        sparse = _quartiles(_along_samples(grid.problem_axes, relative.sparse, where))
        data = _drawn(grid.run(run_at(grid, where)).spec.data)
        yield _Line(
            name=_problem_text(grid, at) or "flattest interpolator",
            colour=colour,
            samples=tuple(samples.tolist()),
            flattest=np.where(recovered, np.nan, flattest),
            trained=medians,
            recovered=tuple(samples[recovered].tolist()),
            recovered_by_l1=tuple(samples[sparse[1] < RECOVERED].tolist()),
            failed=tuple(samples[ended & np.isnan(medians)].tolist()),
            guide=_zeta(data) ** 2 * data.sparsity / samples,
        )


def _along_samples(axes: Sequence[Axis], values: np.ndarray, where: Mapping[str, float]) -> np.ndarray:
    """The values at these coordinates, a row for each number of samples, ascending; all else varies along a row."""
    shape = [len(axis.values) for axis in axes]
    index = tuple(axis.values.index(where[axis.name]) if axis.name in where else slice(None) for axis in axes)
    kept = [axis.name for axis in axes if axis.name not in where]
    order = np.argsort(next(axis.values for axis in axes if axis.name == SAMPLES))
    table = np.moveaxis(values.reshape(shape)[index], kept.index(SAMPLES), 0)[order]
    return np.asarray(table.reshape(len(table), -1))


def _quartiles(rows: np.ndarray) -> Float64[np.ndarray, "3 point"]:
    """Of the entries of each row that are there, NaN where none is."""
    found = [np.quantile(row[np.isfinite(row)], QUARTILES) if np.isfinite(row).any() else [np.nan] * 3 for row in rows]
    return np.array(found).T


def _zeta(data: PlainSparseRegression) -> float:
    """ζ = 1 + σ²/μ², infinite for centred data."""
    return 1 + data.variance / data.mean**2 if data.mean else np.inf


def _problem_text(grid: Grid, where: Mapping[str, float]) -> str:
    """The values, with ζ in front where it is they that set it."""
    values = values_text(where)
    if not {"data_mean", "data_variance"} & set(where):
        return values
    return f"{_zeta_text(grid, where)} ({values})"


def _zeta_text(grid: Grid, where: Mapping[str, float]) -> str:
    zeta = _zeta(_drawn(grid.run(run_at(grid, where)).spec.data))
    return f"ζ = {number_text(zeta, 4)}" if np.isfinite(zeta) else "ζ = ∞"


def _notes(grid: Grid, layout: SampleComplexityLayout) -> list[str]:
    """What ζ is, with its value where there is but one."""
    several = {"data_mean", "data_variance"} & {name for where in (*layout.lines, *layout.panels) for name in where}
    return ["ζ = 1 + σ²/μ²" if several else f"ζ = 1 + σ²/μ² = {_zeta_text(grid, {})[4:]}"]


def _constant(lines: Sequence[_Line]) -> float:
    """C for which C·ζ²r*/N runs through the middle of all points; NaN where there is none."""
    with np.errstate(invalid="ignore"):
        ratios = on_log_axis(np.concatenate([line.flattest[1] / line.guide for line in lines]))
    known = ratios[np.isfinite(ratios)]
    return float(np.exp(np.median(np.log(known)))) if known.size else np.nan


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    rug = rug_height(max(sum(map(len, _rug_rows(content.lines))) for content in contents))
    common_log_y(panels, _risks([line for content in contents for line in content.lines]), rug=rug)


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """Lines are medians over data seeds with quartiles; diamonds are medians of the converged runs.

    Those are at the largest step size; a cross below all lines says that none converged. The dashed lines fall as the
    theorem says, up to logarithms.
    """
    lines = content.lines
    span(panel, replace(COORDINATES[SAMPLES], log_scaled=True), lines[0].samples)
    for line in lines:
        lower, median, upper = line.flattest
        panel.plot(line.samples, median, "o-", color=line.colour)
        panel.fill_between(line.samples, lower, upper, color=line.colour, **BAND)
        panel.plot(
            line.samples,
            line.trained,
            "D",
            color=line.colour,
            markerfacecolor=GROUND,
            markersize=5.5,
            zorder=3,
        )
        guide = np.where(np.isfinite(line.guide), content.constant * line.guide, np.nan)
        panel.plot(line.samples, guide, color=line.colour, **GUIDE)
    drawn = 0
    for marker, rows in zip("^vx", _rug_rows(lines), strict=True):
        draw_rug(panel, rows, marker=marker, above=drawn)
        drawn += len(rows)
    panel.set_title(content.name, loc="left")


def _rug_rows(lines: Sequence[_Line]) -> tuple[list[Row], list[Row], list[Row]]:
    """Where the interpolator of least ℓ1 norm is β*, where the flattest one is, and where no run converged."""
    by_l1: list[Row] = [(line.recovered_by_l1, line.colour) for line in lines if line.recovered_by_l1]
    recovered: list[Row] = [(line.recovered, line.colour) for line in lines if line.recovered]
    return by_l1, recovered, [(line.failed, line.colour) for line in lines if line.failed]


def _risks(lines: Sequence[_Line]) -> Iterator[float]:
    """All that is drawn but the dashed lines, and but quartiles of data sets on which β* is recovered."""
    for line in lines:
        yield from (risk for risk in (*line.flattest.ravel(), *line.trained) if risk > RECOVERED)


def _data(content: _Panel) -> Iterator[Series]:
    """Everything that is drawn of a panel."""
    for line in content.lines:
        lower, median, upper = line.flattest
        yield series(content.name, line.name, line.samples, median, (lower, upper))
        yield series(content.name, f"{line.name}, trained runs", line.samples, line.trained)
        marks = {
            "least ℓ1 norm is β* itself": line.recovered_by_l1,
            "flattest is β* itself": line.recovered,
            "no run converged": line.failed,
        }
        yield from (series(content.name, f"{line.name}, {words}", at) for words, at in marks.items() if at)
        guide = np.where(np.isfinite(line.guide), content.constant * line.guide, np.nan)
        if np.isfinite(guide).any():
            yield series(content.name, f"{line.name}, ∝ ζ²r*/N", line.samples, guide, is_result=False)


def _finding(lines: Sequence[_Line]) -> str:
    """That the risk of the flattest interpolator falls with the samples, along every line."""
    medians = [line.flattest[1][np.isfinite(line.flattest[1])] for line in lines]
    longer = [median for median in medians if len(median) > 1]
    if not longer or not all(map(is_falling, longer)):
        return ""
    most = max(longer, key=lambda median: median[0] / median[-1])
    ends = f"{number_text(float(most[0]), 3)} to {number_text(float(most[-1]), 3)}"
    return f"The flattest interpolator's risk falls with the samples: {ends} of that of β = 0"


def _scale(layout: SampleComplexityLayout, lines: Sequence[_Line]) -> ColourScale | None:
    """The colours of many lines; None where a legend names them."""
    own = lines[: len(layout.lines)]
    if len(own) <= MOST_NAMED:
        return None
    return ColourScale(label="", names=[line.name for line in own], colours=[line.colour for line in own])


def _legend(grid: Grid, layout: SampleComplexityLayout, lines: Sequence[_Line]) -> Iterator[Line2D]:
    for line in lines[: len(layout.lines)] if _scale(layout, lines) is None else ():
        yield Line2D([], [], color=line.colour, marker="o", label=line.name)
    if len(layout.lines) > 1:
        yield Line2D([], [], color=MUTED, marker="o", label="flattest interpolator")
    if any(np.isfinite(line.trained).any() for line in lines):
        searched = " at the largest η that converges" if grid.run(0).step_bracket else ""
        step = f" at {values_text(layout.step_size)}" if layout.step_size else searched
        diamond = Line2D([], [], color=MUTED, marker="D", linestyle="", markerfacecolor=GROUND, markersize=5.5)
        diamond.set_label(f"trained runs{step}")
        yield diamond
    if any(np.isfinite(line.guide).any() for line in lines):
        yield Line2D([], [], color=INK, label="∝ ζ²r*/N", **GUIDE)
    if any(line.recovered_by_l1 for line in lines):
        yield Line2D([], [], color=MUTED, marker="^", linestyle="", label="least ℓ1 norm is β* itself")
    if any(line.recovered for line in lines):
        yield Line2D([], [], color=MUTED, marker="v", linestyle="", label="flattest is β* itself")
    if any(line.failed for line in lines):
        yield cross_handle()


SAMPLE_COMPLEXITY: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
