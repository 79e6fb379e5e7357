"""Training loss and sharpness along training, with the threshold 2/η_t of the step size as it grows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from core.descent.schedule import warmed_up
from core.figures.axis import log_x, log_y, on_log_axis
from core.figures.caption import caption, value_text
from core.figures.layouts.trajectory import TrajectoryLayout, trajectory_layout
from core.figures.page import PANEL_WIDTHS, Sheet, page, put_legend
from core.figures.results import Results
from core.figures.style import MUTED, THRESHOLD, ordered_colours, style
from core.outcome import Outcome
from core.results.variables import COORDINATES, VARIABLES

EXPLOSION: Final = 100.0
"""A loss beyond so many times the largest first one is of a run that diverges; the axis does not follow it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Path:
    """What a run recorded after its first step. `stability_limit`/η_t is the threshold on the way."""

    steps: Int64[np.ndarray, " record"]
    loss: Float64[np.ndarray, " record"]
    sharpness: Float64[np.ndarray, " record"]
    step_size: float
    warmup_steps: int
    stability_limit: float
    converged: bool
    name: str
    colour: str

    @property
    def final_threshold(self) -> float:
        return self.stability_limit / self.step_size

    def threshold(self) -> tuple[Float64[np.ndarray, " point"], Float64[np.ndarray, " point"]]:
        """Steps t and `stability_limit`/η_t there, through the records and the end of the warm-up."""
        last = int(self.steps[-1])
        steps = np.unique([*self.steps, *(step for step in (self.warmup_steps, 1) if 0 < step <= last)])
        eta = np.array([self._step_size_at(int(step)) for step in steps])
        return steps.astype(np.float64), self.stability_limit / eta

    def _step_size_at(self, step: int) -> float:
        schedule = warmed_up(np.array([self.step_size]), np.array([self.warmup_steps]), step, step + 1)
        return float(schedule[0, 0])


def draw_trajectory(results: Results) -> Figure:
    """The loss above, the sharpness below, against the step; one line for each of some runs, one column for each depth.

    The dash-dotted lines are 2/η_t, which comes down from above while the step size warms up; a triangle in the colour
    of its run marks the height at which each ends. A line ends in a dot where the run converged and in a cross where it
    did not.

    Raises:
        UnsuitableFigure: the experiment records too little of its runs.
    """
    layout = trajectory_layout(results.grid)
    columns = [_paths(results, layout, runs) for _, runs in layout.columns]
    width = PANEL_WIDTHS[len(columns) - 1]
    sheet = Sheet(
        panels=2 * len(columns),
        width=width,
        height=2.2,
        columns=len(columns),
        between=0.2,
        between_rows=0.18,
        legend=2.2,
        share_y=True,
    )
    paths = [path for column in columns for path in column]
    with style():
        figure, panels = page(sheet, caption(results, _title(layout), _notes(layout, paths)))
        for number, column in enumerate(columns):
            upper, lower = panels[number], panels[len(columns) + number]
            _draw(upper, lower, column, paths)
            depth = layout.columns[number][0]
            upper.set_title("" if depth is None else value_text(COORDINATES["depth"], depth), loc="left", fontsize=10)
        panels[0].set_ylabel(VARIABLES["train_loss"].label)
        panels[len(columns)].set_ylabel("sharpness λ_max")
        put_legend(figure, panels, list(_legend(paths)))
    return figure


def _paths(results: Results, layout: TrajectoryLayout, runs: Sequence[int]) -> list[_Path]:
    """The runs that are stored and have taken a step that was recorded."""
    colours = ordered_colours(len(runs))
    paths = [_path(results, layout, runs, position, colour) for position, colour in enumerate(colours)]
    return [path for path in paths if path is not None]


def _path(results: Results, layout: TrajectoryLayout, runs: Sequence[int], position: int, colour: str) -> _Path | None:
    index = runs[position]
    run, summary, arrays = results.grid.run(index), results.summaries[index], results.arrays(index)
    step_size = _step_size(results, index)
    if summary is None or arrays is None or step_size is None or not (arrays["record_step"] > 0).any():
        return None
    moved = arrays["record_step"] > 0
    return _Path(
        steps=arrays["record_step"][moved],
        loss=on_log_axis(arrays["train_loss"][moved]),
        sharpness=on_log_axis(arrays["sharpness"][moved]),
        step_size=step_size,
        warmup_steps=run.warmup_steps,
        stability_limit=run.optimizer.stability_limit,
        converged=summary["outcome"] == Outcome.CONVERGED,
        name=_name(layout, position),
        colour=colour,
    )


def _name(layout: TrajectoryLayout, position: int) -> str:
    if layout.series is None:
        return "trained run"
    return value_text(COORDINATES[layout.series], layout.values[position], 4)


def _step_size(results: Results, index: int) -> float | None:
    """η in numbers; None where it is a fraction of an η* that is not known."""
    run = results.grid.run(index)
    if run.step_size is not None:
        return run.step_size
    largest = getattr(results.analyses.get(run.problem_key), "max_stable_step", None)
    return None if largest is None else run.resolved_step_size(largest)


def _title(layout: TrajectoryLayout) -> str:
    return "Training loss and sharpness" + (f", by {COORDINATES[layout.series].label}" if layout.series else "")


def _notes(layout: TrajectoryLayout, paths: Sequence[_Path]) -> list[str]:
    """At which values of the other axes the runs are, and how many of them are not there."""
    fixed = ", ".join(value_text(COORDINATES[name], value) for name, value in layout.fixed.items())
    chosen = sum(len(runs) for _, runs in layout.columns)
    notes = [f"shown: runs at {fixed}"] if fixed else []
    return notes + ([f"{len(paths)} of these {chosen} runs are stored"] if len(paths) < chosen else [])


def _draw(upper: Axes, lower: Axes, column: Sequence[_Path], paths: Sequence[_Path]) -> None:
    last = max((int(path.steps[-1]) for path in paths), default=1)
    for panel in (upper, lower):
        log_x(panel, 1, max(last, 10))
    lower.set_xlabel("step t")
    upper.tick_params(labelbottom=False)
    log_y(upper, *_loss_range(paths))
    log_y(lower, *_sharpness_range(paths))
    for path in column:
        _draw_path(upper, path.steps, path.loss, path)
        _draw_path(lower, path.steps, path.sharpness, path)
        lower.plot(*path.threshold(), **THRESHOLD)
        if path.final_threshold < lower.get_ylim()[1]:
            edge, height = [1.0], [path.final_threshold]
            lower.plot(edge, height, "<", color=path.colour, transform=lower.get_yaxis_transform(), clip_on=False)


def _draw_path(panel: Axes, steps: np.ndarray, values: np.ndarray, path: _Path) -> None:
    panel.plot(steps, values, color=path.colour, linewidth=1.4)
    end = np.flatnonzero(np.isfinite(values))[-1:]
    panel.plot(steps[end], values[end], "o" if path.converged else "x", color=path.colour, zorder=3)


def _loss_range(paths: Sequence[_Path]) -> tuple[float, float]:
    losses = _finite([path.loss for path in paths])
    if not losses.size:
        return 1e-6, 1.0
    first = max((float(path.loss[0]) for path in paths if np.isfinite(path.loss[0])), default=losses.max())
    return float(losses.min()) / 2, float(min(losses.max(), EXPLOSION * first)) * 2


def _sharpness_range(paths: Sequence[_Path]) -> tuple[float, float]:
    """All sharpness, and the thresholds that it comes near to; 2/η_t of a warm-up enters from above."""
    met = _finite([path.sharpness[path.loss < EXPLOSION * path.loss[0]] for path in paths])
    if not met.size:
        return 1.0, 1e3
    ends = [path.final_threshold for path in paths if path.final_threshold < 2 * met.max()]
    return float(min([met.min(), *ends])) / 1.25, float(max([met.max(), *ends])) * 1.25


def _finite(parts: Sequence[np.ndarray]) -> np.ndarray:
    values: np.ndarray = np.concatenate([np.empty(0), *parts])
    return np.asarray(values[np.isfinite(values)])


def _legend(paths: Sequence[_Path]) -> Iterator[Line2D]:
    named = {path.name: path for path in paths}
    for name, path in named.items():
        yield Line2D([], [], color=path.colour, label=name)
    limit = "2/η" if all(path.stability_limit == 2 for path in paths) else "(2+2m)/η"
    yield Line2D([], [], label=f"threshold {limit}_t", **THRESHOLD)
    yield Line2D([], [], label=f"{limit} at full step size", color=MUTED, marker="<", linestyle="")
    for marker, label, there in (
        ("o", "converged", any(path.converged for path in paths)),
        ("x", "did not converge", any(not path.converged for path in paths)),
    ):
        if there:
            yield Line2D([], [], color=MUTED, marker=marker, linestyle="", label=label)
