"""What a figure says about itself in words: its experiment, the data, and how much of it is there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.data.features import FeatureLaw
from core.data.true_predictor import SignLaw, SupportLaw
from core.descent.optimizers import Optimizer
from core.descent.schedule import ScheduleKind
from core.figures.fonts import in_drawable_letters
from core.figures.layouts.selection import swept_numbers
from core.figures.number_text import number_text
from core.figures.results import Results
from core.results.variables import COORDINATES, Variable
from core.spec.axes import Axis, axis_name
from core.spec.experiment_spec import PARTS, InlineData
from core.spec.optimizers import STEP_SIZE_FRACTION, EffectiveStepSizes, PlainOptimizer
from core.spec.run_spec import PlainProduct, PlainSparseRegression, PlainUV
from core.sweep.grid import Grid

NAME_LENGTH: Final = 80
INITIALIZATIONS: Final = {
    "normal": "random normal initialisation",
    "vector": "given initial vector",
    "parameters": "given initial parameters",
}
DATA_SYMBOLS: Final = ("samples", "dimension", "sparsity", "mean", "variance", "noise_variance")
MOST_PLACES: Final = 3
"""Most places at which the step size changes that are told one by one."""

REPLICATES: Final = {"init_seed": "initialisation seeds", "optimizer_seed": "optimiser seeds"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Caption:
    """What stands around a figure: its `title`, what was run on what, and `name`, its user's words.

    `name` is in letters that can be drawn, `full_name` in all. `subject` says what is drawn where the title says what
    is found. `notes` are what this figure has to say besides, such as which part of the experiment it shows.
    """

    title: str
    data: str
    training: str
    progress: str
    name: str
    full_name: str = ""
    subject: str = ""
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """All that stands below the title, line by line."""
        subject = (self.subject,) if self.subject else ()
        return (*subject, self.data, f"{self.training}; {self.progress}", *self.notes)


def caption(
    results: Results, title: str, notes: Sequence[str] = (), *, subject: str = "", follows_runs: bool = False
) -> Caption:
    """The caption of a figure of these results; a partial result is said to be one.

    Of several data seeds a figure shows medians and quartiles, unless it `follows_runs`.
    """
    steps = [] if results.grid.problems > 1 else [largest_steps_text(results, 0)]
    name, is_spelled = in_drawable_letters(_printable(results.name))
    spelled = ["letters of its name that no font here has are written as ‹U+…›"] if is_spelled else []
    return Caption(
        title=title,
        subject=subject,
        data=", ".join([*_data(results, follows_runs=follows_runs), *(text for text in steps if text)]),
        training=", ".join(_training(results.grid)),
        progress=_progress(results),
        name=_shortened(name),
        full_name=_printable(results.name),
        notes=(*notes, *results.part, *spelled),
    )


def largest_steps_text(results: Results, index: int) -> str:
    """η* of the problem and the optimiser of a run, "" before the analysis.

    At odd depth a second one is named: parameters that have crossed zero may be flatter than any θ ≥ 0.
    """
    run = results.grid.run(index)
    analysis = results.analyses.get(run.problem_key)
    if analysis is None or (step := analysis.max_stable_step) is None:
        return ""
    free = analysis.max_stable_step_sign_free
    text = f"η* = {number_text(run.largest_stable_step(step), 4)}"
    if free is None or free <= step * (1 + 1e-9):
        return text
    return f"{text} (any sign: {number_text(run.largest_stable_step(free), 4)})"


def value_text(variable: Variable, value: float, digits: int = 6) -> str:
    """A value with its symbol, such as η = 0.001, or 0.5 η* for a fraction of the largest stable step."""
    if variable.name == "step_size_fraction":
        return f"{number_text(value, digits)} η*"
    return f"{variable.symbol or variable.label} = {number_text(value, digits)}"


def values_text(values: Mapping[str, float], digits: int = 6) -> str:
    """The values of axes with their symbols, one after the other."""
    return ", ".join(value_text(COORDINATES[name], value, digits) for name, value in values.items())


def threshold_text(optimizers: Iterable[Optimizer]) -> str:
    """The stability threshold of runs of one kind of optimiser in symbols: 2/η where all have that."""
    other = (each.threshold_in_symbols for each in optimizers if each.largest_stable_sharpness(1.0) != 2)
    return next(other, "2/η")


def _progress(results: Results) -> str:
    done, total, converged = results.runs_done, len(results.grid), results.runs_converged
    runs = (f"{total} runs" if total > 1 else "1 run") if done == total else f"partial result: {done} of {total} runs"
    parts = [(converged, "converged")] if converged < done else []
    parts += [(decided, "decided by rounding")] if (decided := results.runs_decided_by_rounding) else []
    return ", ".join([runs, *(f"{count} {words}" for count, words in parts)])


def _data(results: Results, *, follows_runs: bool) -> Iterator[str]:
    grid = results.grid
    data = grid.run(0).spec.data
    if isinstance(data, PlainSparseRegression):
        swept = swept_numbers(grid)
        fields = [(field, COORDINATES[axis_name("data", field)]) for field in DATA_SYMBOLS]
        yield from (
            value_text(variable, getattr(data, field)) for field, variable in fields if variable.name not in swept
        )
        if data.features is not FeatureLaw.GAUSSIAN:
            yield f"{data.features.value} features"
        yield from _law(data, swept)
        law = "" if follows_runs else "median and quartiles of "
        seeds = f"{law}{len(swept['seed'].values)} data seeds" if "seed" in swept else ""
        yield seeds or f"data seed {data.seed}"
    elif isinstance(data, InlineData):
        yield f"given data, N = {len(data.X)}, d = {len(data.X[0])}"
    else:
        yield "uploaded data"
        known = next(iter(results.analyses.values()), None)
        if known is not None:
            yield from (f"N = {known.samples}", f"d = {known.dimension}")


def _law(data: PlainSparseRegression, swept: Mapping[str, Axis]) -> Iterator[str]:
    """What is not as in the paper: the mean and covariance of features, the true predictor."""
    yield from (f"given {name} of features" for name in ("mean", "variance") if getattr(data, f"{name}_profile"))
    for name, plain in (("variance_decay", 0), ("correlation", 0), ("true_norm", 1)):
        if name not in swept and (value := getattr(data, name)) != plain:
            yield value_text(COORDINATES[name], value)
    if data.support is SupportLaw.RANDOM:
        yield "random support"
    if data.signs is SignLaw.RANDOM:
        yield "random signs"


def _training(grid: Grid) -> Iterator[str]:
    swept, run = swept_numbers(grid), grid.run(0)
    yield from _model(grid, swept)
    initialization = grid.spec.initialization.kind
    if initialization in INITIALIZATIONS:
        yield INITIALIZATIONS[initialization]
    parts = {part: getattr(run.spec.initialization, part, None) for part in PARTS}
    given = {part: value for part, value in parts.items() if isinstance(value, float) and part not in swept}
    if given:
        yield values_text(given)
    yield run.optimizer.title
    told = grid.spec.optimizer.step_size
    # η follows from λ and the momentum, which may be swept: λ is said, as the user did.
    steps = {told.axis: told.numbers()[0]} if isinstance(told, EffectiveStepSizes) else {"step_size": run.step_size}
    values: dict[str, Any] = {"init_scale": run.init_scale, **steps}
    values |= {STEP_SIZE_FRACTION: run.step_size_fraction, "warmup_steps": run.warmup_steps}
    values |= {} if run.step_multiple is None else {run.step_multiple.multiple_of.axis: run.step_multiple.value}
    values |= {axis_name("optimizer", field): value for field, value in run.spec.optimizer.own_numbers().items()}
    for name, value in values.items():
        if name not in swept and value is not None:
            digits = 12 if isinstance(value, int) else 6
            yield value_text(COORDINATES[name], value, digits)
    yield from _schedule(run.spec.optimizer, swept)
    yield from (f"{len(swept[name].values)} {words}" for name, words in REPLICATES.items() if name in swept)


def _model(grid: Grid, swept: dict[str, Axis]) -> Iterator[str]:
    model = grid.run(0).spec.model
    if isinstance(model, PlainProduct):
        yield "model u∘v"
    elif isinstance(model, PlainUV):
        yield "UV model" if "uv_shape" in swept else f"UV model, {value_text(COORDINATES['uv_shape'], model.shape)}"
    elif "depth" not in swept:
        yield value_text(COORDINATES["depth"], model.depth)


def _printable(name: str) -> str:
    """The user's text in one line, without the control characters that no font has."""
    return " ".join("".join(character if character.isprintable() else " " for character in name).split())


def _shortened(line: str) -> str:
    """The line in bounded length, without its middle where it is longer."""
    if len(line) <= NAME_LENGTH:
        return line
    ahead = (NAME_LENGTH - 1) // 2
    return f"{line[:ahead]}…{line[len(line) - (NAME_LENGTH - 1 - ahead) :]}"


def _schedule(optimizer: PlainOptimizer, swept: Mapping[str, Axis]) -> Iterator[str]:
    """What becomes of the step size behind the warm-up, and how weights decay; nothing where they do not."""
    if optimizer.schedule is not ScheduleKind.CONSTANT:
        yield f"{optimizer.schedule.value} schedule"
    places = optimizer.schedule_at_steps or optimizer.schedule_at_fractions or ()
    if places:
        told = [number_text(place) for place in places[:MOST_PLACES]] + ["…"] * (len(places) > MOST_PLACES)
        yield f"changes at {'steps' if optimizer.schedule_at_steps else 'parts'} {', '.join(told)}"
    for name in ("schedule_steps", "schedule_factor", "weight_decay", "weight_decay_until"):
        value = getattr(optimizer, name)
        if name not in swept and value is not None and (value or name == "schedule_factor"):
            yield value_text(COORDINATES[name], value)
    if optimizer.decoupled_weight_decay:
        yield "decoupled decay"
