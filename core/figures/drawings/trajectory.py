"""Training loss along training, and below it sharpness with its threshold 2/η_t, or the excess risk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from core.descent.optimizers import Optimizer
from core.descent.schedule import Shape, scheduled
from core.figures.axis import log_x, log_y, on_log_axis
from core.figures.caption import threshold_text, values_text
from core.figures.drawing import Contents, Drawing
from core.figures.figure_data import Series, series
from core.figures.figure_spec import FigureSpec
from core.figures.layouts.selection import swept_axes
from core.figures.layouts.trajectory import TrajectoryLayout
from core.figures.legend import Legend
from core.figures.results import Results, has_converged
from core.figures.rug import ZERO
from core.figures.style import MUTED, THRESHOLD, ordered_colours
from core.results.variables import COORDINATES, VARIABLES

LOSS, SHARPNESS = "train_loss", "sharpness"

NOT_YET: Final = 0.99
"""A risk is least before the end if it is less than this part of what it ends at."""

MET: Final = 0.95
"""A sharpness that comes to this part of the threshold of its step has met it."""

EXPLOSION: Final = 100.0
"""A loss beyond so many times the largest first one is of a run that diverges; the axis does not follow it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Path:
    """What a run recorded after its first step. The stability limit of its `optimizer` over η_t is the threshold.

    At the steps `zero_loss` the loss is exactly zero, which has no place on a logarithmic axis. `below` is the
    sharpness or the excess risk.
    """

    steps: Int64[np.ndarray, " record"]
    loss: Float64[np.ndarray, " record"]
    zero_loss: Int64[np.ndarray, " point"]
    below: Float64[np.ndarray, " record"]
    step_size: float
    warmup_steps: int
    optimizer: Optimizer
    converged: bool
    name: str
    colour: str
    step_shape: Shape | None = None

    @property
    def meets_threshold(self) -> bool:
        """Whether the sharpness comes up to 2/η_t at some record."""
        steps, threshold = self.threshold()
        at = threshold[np.isin(steps, self.steps)]
        ratio = self.below / at
        return bool((ratio[np.isfinite(ratio)] > MET).any())

    @property
    def least(self) -> int | None:
        """The record at which what is below is least; None where it has no finite value."""
        return int(np.nanargmin(self.below)) if np.isfinite(self.below).any() else None

    @property
    def is_least_before_the_end(self) -> bool:
        """Whether it is less there than at the end."""
        ends = self.below[np.isfinite(self.below)][-1:]
        return self.least is not None and bool((self.below[self.least] < NOT_YET * ends).any())

    @property
    def final_threshold(self) -> float:
        """NaN where η has no end."""
        end = self.step_size * (1.0 if self.step_shape is None else self.step_shape.end)
        return self.optimizer.largest_stable_sharpness(end) if np.isfinite(end) else np.nan

    def threshold(self) -> tuple[Float64[np.ndarray, " point"], Float64[np.ndarray, " point"]]:
        """Steps t and the threshold there, through the records and the end of the warm-up."""
        last = int(self.steps[-1])
        steps = np.unique([*self.steps, *(step for step in (self.warmup_steps, 1) if 0 < step <= last)])
        eta = np.array([self._step_size_at(int(step)) for step in steps])
        return steps.astype(np.float64), np.array([self.optimizer.largest_stable_sharpness(each) for each in eta])

    def _step_size_at(self, step: int) -> float:
        size, warmup = np.array([self.step_size]), np.array([self.warmup_steps])
        schedule = scheduled(size, warmup, [self.step_shape], step, step + 1)
        return float(schedule[0, 0])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Panel:
    """What one panel shows: the loss or the sharpness of some runs."""

    name: str
    quantity: str
    paths: Sequence[_Path]
    column: str = ""

    @property
    def label(self) -> str:
        """What it is called in numbers, where the panel below has no name of its own."""
        return ", ".join(part for part in (VARIABLES[self.quantity].label, self.column) if part)


def _contents(results: Results, layout: TrajectoryLayout) -> Contents[_Panel]:
    """The loss above, the sharpness below; one line for each of some runs, one column for each depth."""
    columns = [(depth, _paths(results, layout, runs)) for depth, runs in layout.columns]
    every = [path for _, paths in columns for path in paths]
    above = [
        _Panel(name=name, quantity=LOSS, paths=paths, column=name)
        for name, paths in (("" if depth is None else values_text({"depth": depth}), paths) for depth, paths in columns)
    ]
    return Contents(
        spec=FigureSpec(panels=2 * len(columns), columns=len(columns), height=2.2, between_rows=0.18, legend=2.2),
        title=_title(layout),
        finding=_finding(every) if layout.below == SHARPNESS else _early_finding(every),
        notes=_notes(results, layout, every),
        panels=[*above, *(replace(panel, name="", quantity=layout.below) for panel in above)],
        y_labels=[VARIABLES[LOSS].label, _NAMES[layout.below]],
        x_label="step t",
        legend=Legend(handles=list(_legend(every, layout.below))),
        follows_runs=True,
    )


_NAMES: Final = {SHARPNESS: "sharpness λ_max", "excess_risk": "excess risk R"}


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
        zero_loss=arrays["record_step"][moved & (arrays["train_loss"] == 0)],
        below=on_log_axis(arrays[layout.below][moved]),
        step_size=step_size,
        warmup_steps=run.warmup_steps,
        optimizer=run.optimizer,
        converged=has_converged(summary),
        name=_name(layout, position),
        colour=colour,
        step_shape=run.step_shape,
    )


def _name(layout: TrajectoryLayout, position: int) -> str:
    if layout.names:
        return values_text(layout.names[position], 4) or "trained run"
    if layout.series is None:
        return "trained run"
    return values_text({layout.series: layout.values[position]}, 4)


def _step_size(results: Results, index: int) -> float | None:
    """η in numbers; None where it is a multiple of what is not known."""
    run, summary = results.grid.run(index), results.summaries[index]
    if run.step_multiple is not None:
        return None if summary is None else float(summary["step_size"] or 0.0) or None
    if run.step_size is not None:
        return run.step_size
    largest = getattr(results.analyses.get(run.problem_key), "max_stable_step", None)
    return None if largest is None else run.resolved_step_size(largest)


def _title(layout: TrajectoryLayout) -> str:
    below = {SHARPNESS: "sharpness", "excess_risk": "excess risk"}[layout.below]
    return f"Training loss and {below}" + (f", by {COORDINATES[layout.series].label}" if layout.series else "")


def _finding(paths: Sequence[_Path]) -> str:
    """In how many runs the sharpness meets its threshold; "" where in none."""
    met = sum(path.meets_threshold for path in paths)
    if not met:
        return ""
    runs = (
        f"all {met} runs" if met == len(paths) > 1 else f"{met} of {len(paths)} runs" if len(paths) > 1 else "this run"
    )
    return f"Sharpness climbs to {threshold_text(path.optimizer for path in paths)}_t in {runs}"


def _early_finding(paths: Sequence[_Path]) -> str:
    """In how many runs the risk is least before the end; "" where in none."""
    early = sum(path.is_least_before_the_end for path in paths)
    if not early:
        return ""
    runs = f"{early} of {len(paths)} runs" if len(paths) > 1 else "this run"
    return f"The risk is least before the end in {runs}"


def _notes(results: Results, layout: TrajectoryLayout, paths: Sequence[_Path]) -> list[str]:
    """Which of how many values are shown, where the other axes stand, and how many runs are not there."""
    swept = swept_axes(results.grid)
    shown = {layout.series: len(layout.values), "depth": len(layout.columns)}
    parts = [
        f"{count} of the {len(swept[name].values)} values of {COORDINATES[name].label}"
        for name, count in shown.items()
        if name in swept and 0 < count < len(swept[name].values) and not layout.names
    ]
    parts += [f"{len(layout.names)} of {len(results.grid)} runs"] if layout.names else []
    fixed = values_text(layout.fixed)
    chosen = sum(len(runs) for _, runs in layout.columns)
    parts += [f"runs at {fixed}"] if fixed else []
    notes = [f"shown: {'; '.join(parts)}"] if parts else []
    return notes + ([f"{len(paths)} of these {chosen} runs are stored"] if len(paths) < chosen else [])


def _set_ranges(panels: Sequence[Axes], contents: Sequence[_Panel]) -> None:
    paths = [path for content in contents if content.quantity == LOSS for path in content.paths]
    ranges = {LOSS: _loss_range(paths), SHARPNESS: _sharpness_range(paths), "excess_risk": _risk_range(paths)}
    last = max((int(path.steps[-1]) for path in paths), default=1)
    for panel, content in zip(panels, contents, strict=True):
        log_x(panel, 1, max(last, 10))
        log_y(panel, *ranges[content.quantity])


def _draw_panel(panel: Axes, content: _Panel) -> None:
    """A line ends in a dot where the run converged and in a cross where it did not."""
    if content.quantity == LOSS:
        panel.set_title(content.name, loc="left")
        panel.tick_params(labelbottom=False)
    for path in content.paths:
        if content.quantity == LOSS:
            _draw_path(panel, path.steps, path.loss, path)
            floor = np.zeros(len(path.zero_loss))
            panel.plot(
                path.zero_loss, floor, ZERO, color=path.colour, transform=panel.get_xaxis_transform(), clip_on=False
            )
        else:
            _draw_path(panel, path.steps, path.below, path)
            _draw_threshold(panel, path) if content.quantity == SHARPNESS else _draw_least(panel, path)


def _draw_path(panel: Axes, steps: np.ndarray, values: np.ndarray, path: _Path) -> None:
    panel.plot(steps, values, color=path.colour, linewidth=1.4)
    end = np.flatnonzero(np.isfinite(values))[-1:]
    panel.plot(steps[end], values[end], "o" if path.converged else "x", color=path.colour, zorder=3)


def _draw_threshold(panel: Axes, path: _Path) -> None:
    """2/η_t, which comes down from above while the step size warms up; a triangle marks the height at which it ends."""
    panel.plot(*path.threshold(), **{**THRESHOLD, "color": path.colour})
    if path.final_threshold < panel.get_ylim()[1]:
        edge, height = [1.0], [path.final_threshold]
        panel.plot(edge, height, "<", color=path.colour, transform=panel.get_yaxis_transform(), clip_on=False)


def _draw_least(panel: Axes, path: _Path) -> None:
    """Where it would have been best to stop."""
    if path.is_least_before_the_end:
        panel.plot(path.steps[path.least], path.below[path.least], "v", color=path.colour, zorder=3)


def _data(content: _Panel) -> Iterator[Series]:
    """Everything that is drawn of a panel: in the lower one the thresholds, too."""
    limit = threshold_text(path.optimizer for path in content.paths)
    for path in content.paths:
        if content.quantity == LOSS:
            yield series(content.label, path.name, path.steps, path.loss)
            if len(path.zero_loss):
                yield series(content.label, f"{path.name}, exactly 0", path.zero_loss)
        else:
            yield series(content.label, path.name, path.steps, path.below)
        if content.quantity == SHARPNESS:
            yield series(content.label, f"{path.name}, {limit}_t", *path.threshold(), is_result=False)


def _loss_range(paths: Sequence[_Path]) -> tuple[float, float]:
    losses = _finite([path.loss for path in paths])
    if not losses.size:
        return 1e-6, 1.0
    first = max((float(path.loss[0]) for path in paths if np.isfinite(path.loss[0])), default=losses.max())
    return float(losses.min()) / 2, float(min(losses.max(), EXPLOSION * first)) * 2


def _risk_range(paths: Sequence[_Path]) -> tuple[float, float]:
    risks = _finite([path.below[path.loss < EXPLOSION * path.loss[0]] for path in paths])
    return (float(risks.min()) / 1.5, float(risks.max()) * 1.5) if risks.size else (1e-3, 1.0)


def _sharpness_range(paths: Sequence[_Path]) -> tuple[float, float]:
    """All sharpness, and the thresholds that it comes near to; 2/η_t of a warm-up enters from above."""
    met = _finite([path.below[path.loss < EXPLOSION * path.loss[0]] for path in paths])
    if not met.size:
        return 1.0, 1e3
    ends = [path.final_threshold for path in paths if path.final_threshold < 2 * met.max()]
    return float(min([met.min(), *ends])) / 1.25, float(max([met.max(), *ends])) * 1.25


def _finite(parts: Sequence[np.ndarray]) -> np.ndarray:
    values: np.ndarray = np.concatenate([np.empty(0), *parts])
    return np.asarray(values[np.isfinite(values)])


def _legend(paths: Sequence[_Path], below: str) -> Iterator[Line2D]:
    named = {path.name: path for path in paths}
    for name, path in named.items():
        yield Line2D([], [], color=path.colour, label=name)
    if below == SHARPNESS:
        limit = threshold_text(path.optimizer for path in paths)
        yield Line2D([], [], label=f"threshold {limit}_t of each run", **{**THRESHOLD, "color": MUTED})
        yield Line2D([], [], label=f"{limit} at full step size", color=MUTED, marker="<", linestyle="")
    elif any(path.is_least_before_the_end for path in paths):
        yield Line2D([], [], label="least risk, before the end", color=MUTED, marker="v", linestyle="")
    if any(len(path.zero_loss) for path in paths):
        yield Line2D([], [], color=MUTED, marker=ZERO, linestyle="", label="at the floor: exactly 0")
    for marker, label, there in (
        ("o", "converged", any(path.converged for path in paths)),
        ("x", "did not converge", any(not path.converged for path in paths)),
    ):
        if there:
            yield Line2D([], [], color=MUTED, marker=marker, linestyle="", label=label)


TRAJECTORY: Final = Drawing(contents=_contents, set_ranges=_set_ranges, draw_panel=_draw_panel, data=_data)
