"""What a figure says about itself in words: its experiment, the data, and how much of it is there."""

from dataclasses import dataclass

from core.figures.results import Results
from core.grid import STEP_SIZE_FRACTION, Axis, Grid
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
    runs = (f"{total} runs" if total > 1 else "1 run") if done == total else f"partial result: {done} of {total} runs"
    return runs if converged == done else f"{runs}, {converged} converged"


def value_text(variable: Variable, value: float, digits: int = 6) -> str:
    """A value with its symbol, such as η = 0.001, or 0.5 η* for a fraction of the largest stable step."""
    if variable.name == "step_size_fraction":
        return f"{value:.{digits}g} η*"
    return f"{variable.symbol or variable.label} = {value:.{digits}g}"


def _data(grid: Grid) -> str:
    data = grid.spec.data
    if isinstance(data, SparseRegression):
        fields = [(field, COORDINATES[AXIS_NAMES.get(field, field)]) for field in DATA_SYMBOLS]
        swept, document = _swept(grid), grid.run(0).document["data"]
        fixed = [value_text(variable, document[field]) for field, variable in fields if variable.name not in swept]
        seeds = f"data seed {document['seed']}"
        if "seed" in swept:
            seeds = f"median and quartiles of {len(swept['seed'].values)} data seeds"
        return ", ".join([*fixed, seeds])
    if isinstance(data, InlineData):
        return f"given data, N = {len(data.X)}, d = {len(data.X[0])}"
    return "uploaded data"


def _training(grid: Grid) -> str:
    swept, run = _swept(grid), grid.run(0)
    words = ["UV model"] if isinstance(grid.spec.model, UVModel) else []
    if "depth" not in swept and not words:
        words.append(value_text(COORDINATES["depth"], run.document["model"]["depth"]))
    words.append(OPTIMIZERS[grid.spec.optimizer.kind])
    if "init_scale" not in swept:
        words.append(value_text(COORDINATES["init_scale"], run.init_scale))
    for name, value in (("step_size", run.step_size), (STEP_SIZE_FRACTION, run.step_size_fraction)):
        if name not in swept and value is not None:
            words.append(value_text(COORDINATES[name], value))
    if "warmup_steps" not in swept:
        words.append(value_text(COORDINATES["warmup_steps"], run.warmup_steps, digits=12))
    return ", ".join(words)


def _swept(grid: Grid) -> dict[str, Axis]:
    """The axes of more than one value; the one value of another axis is as good as a plain number."""
    return {axis.name: axis for axis in grid.axes if len(axis.values) > 1}


def _printable(name: str) -> str:
    """The user's text in one line of bounded length, without the control characters that no font has."""
    line = " ".join("".join(character if character.isprintable() else " " for character in name).split())
    return line if len(line) <= NAME_LENGTH else line[: NAME_LENGTH - 1] + "…"
