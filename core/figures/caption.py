"""What a figure says about itself in words: its experiment, the data, and how much of it is there."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.figures.results import Results
from core.grid import Axis, Grid
from core.spec import InlineData, SparseRegression, UVModel
from core.variables import COORDINATES, Variable

NAME_LENGTH = 80
OPTIMIZERS = {
    "gradient_descent": "gradient descent",
    "sgd": "minibatch SGD",
    "label_noise": "label-noise descent",
    "heavy_ball": "heavy ball",
}
DATA_SYMBOLS = ("samples", "dimension", "sparsity", "mean", "variance", "noise_variance")
AXIS_NAMES = {"mean": "data_mean", "variance": "data_variance"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Caption:
    """What stands around a figure: its `title`, what was run on what, and `name`, its user's words."""

    title: str
    data: str
    training: str
    progress: str
    name: str


def caption(results: Results, title: str) -> Caption:
    """The caption of a figure of these results; a partial result is said to be one."""
    step = results.max_stable_step
    return Caption(
        title=title,
        data=_data(results.grid) + ("" if step is None else f", η* = {step:.4g}"),
        training=_training(results.grid),
        progress=_progress(results),
        name=_printable(results.name),
    )


def _progress(results: Results) -> str:
    done, total, converged = results.runs_done, len(results.grid), results.runs_converged
    runs = f"{total} runs" if done == total else f"partial result: {done} of {total} runs"
    return runs if converged == done else f"{runs}, {converged} converged"


def value_text(variable: Variable, value: float) -> str:
    """A value with its symbol, such as η = 0.001, or 0.5 η* for a fraction of the largest stable step."""
    if variable.name == "step_size_fraction":
        return f"{value:.6g} η*"
    return f"{variable.symbol or variable.label} = {value:.6g}"


def _data(grid: Grid) -> str:
    data = grid.spec.data
    if isinstance(data, SparseRegression):
        fields = [(field, COORDINATES[AXIS_NAMES.get(field, field)]) for field in DATA_SYMBOLS]
        fixed = [value_text(variable, getattr(data, field)) for field, variable in fields if not _axis(grid, field)]
        return ", ".join([*fixed, _seeds(_axis(grid, "seed"), data.seed)])
    if isinstance(data, InlineData):
        return f"given data, N = {len(data.X)}, d = {len(data.X[0])}"
    return "uploaded data"


def _seeds(axis: Axis | None, seed: object) -> str:
    return f"{len(axis.values)} data seeds" if axis else f"data seed {seed}"


def _training(grid: Grid) -> str:
    model, optimizer = grid.spec.model, grid.spec.optimizer
    swept = {axis.field for axis in grid.axes}
    depth = "UV model" if isinstance(model, UVModel) else f"D = {model.depth}"
    words = [
        "" if "depth" in swept else depth,
        OPTIMIZERS[optimizer.kind],
        "" if "warmup_steps" in swept else f"W = {optimizer.warmup_steps}",
    ]
    return ", ".join(word for word in words if word)


def _axis(grid: Grid, field: str) -> Axis | None:
    found: Sequence[Axis] = [axis for axis in grid.axes if axis.part == "data" and axis.field == field]
    return found[0] if found else None


def _printable(name: str) -> str:
    """The user's text in one line of bounded length, without the control characters that no font has."""
    line = " ".join("".join(character if character.isprintable() else " " for character in name).split())
    return line if len(line) <= NAME_LENGTH else line[: NAME_LENGTH - 1] + "…"
