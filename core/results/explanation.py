"""Why a run ended as it did, and what to do: at which thresholds its step size stood, in sentences."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from core.analysis.advice import OUT_OF_REACH
from core.descent.ascent import AscentAlong
from core.descent.optimizers import FullBatch, Optimizer
from core.descent.schedule import Shape, first_reaching
from core.networks.network import Product
from core.outcome import Outcome, RunPath
from core.sweep.grid_run import Run

Scalar = float | int | str | None

THRESHOLDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "start_stable_step": "what is stable at the start",
        "flow_stable_step": "what is stable at the limit of gradient flow",
        "least_norm_stable_step": "what is stable at the least ℓ2 norm",
        "max_stable_step": "η*",
    }
)
"""The step sizes that a run's own is compared with, in the order in which a run meets them."""

LARGE: Final = 10.0
"""Scale of a start from which on a standstill is one of rounding."""

NOTHING_FLATTER: Final = 1.005
"""Ratio of η* to what is stable at the limit of the flow below which that limit is about as flat as can be."""

GRADIENT_DESCENT: Final = FullBatch()

OF_DESCENT: Final = frozenset({RunPath.SMOOTH.value, RunPath.CROSSED_EDGE.value, RunPath.RELEASED.value})
"""Paths of runs of gradient descent alone."""

AT_SADDLE: Final = 0.01
"""Sharpness of the tangent features over that of the least ℓ2 norm below which a run has not left the saddle at 0."""

SLOW: Final = 0.1
"""Part of the smallest threshold below which a step size is said to be small."""


def exceeded(summary: Mapping[str, Scalar]) -> tuple[str, ...]:
    """The thresholds that are known and that the step size is not below."""
    return tuple(name for name, ratio in _ratios(summary).items() if ratio >= 1)


def explanation(
    summary: Mapping[str, Scalar],
    *,
    warmup_steps: int = 0,
    optimizer: Optimizer = GRADIENT_DESCENT,
    shape: Shape | None = None,
) -> str:
    """How the run ended, where its step size stood, and what can be done, from its numbers alone; text for people.

    A number that the summary of an older release does not have counts as not known. A run whose steps were over before
    its warm-up, its schedule of that `shape` or its noise never was where the thresholds would say something of it.
    """
    if unsettled := _unscheduled(summary, shape) or _unsettled(summary, warmup_steps, optimizer):
        return f"{_what(summary)} {unsettled}"
    why = _how_far_from_lasso(summary) or _why(summary, optimizer, is_warmed=warmup_steps > 0)
    sentences = (_what(summary), _where(summary), why)
    return " ".join(sentence for sentence in sentences if sentence)


def explained(run: Run, summary: Mapping[str, Scalar]) -> str:
    """The explanation of a run of a grid, which knows its warm-up and its optimiser.

    Minibatches of all samples are gradient descent. Where an upload alone knows how many there are the path tells them,
    by which no other run came to its end; of one that was perturbed nothing does.
    """
    optimizer = run.optimizer.in_effect
    if run.samples is not None:
        optimizer = optimizer.on(run.samples)
    elif summary.get("path") in OF_DESCENT:
        optimizer = GRADIENT_DESCENT
    told = explanation(summary, warmup_steps=run.warmup_steps, optimizer=optimizer, shape=run.step_shape)
    told += _turning(run, summary)
    is_lost = "certificate_residual" in summary and summary["certificate_residual"] is None
    if isinstance(run.network, Product) and optimizer.keeps_row_space_form and is_lost:
        return f"{told} {_FORGOTTEN}" if summary["outcome"] != Outcome.DIVERGED else told
    return told


def _turning(run: Run, summary: Mapping[str, Scalar]) -> str:
    """Whether weight decay turned signs, as only a step size that a spec does not tell can have it do."""
    decay, step_size, steps = run.weight_decay, _number(summary, "step_size"), _number(summary, "steps")
    if not (decay.rate and step_size and steps):
        return ""
    stop = int(steps) if decay.until is None else min(int(steps), decay.until)
    product = step_size * decay.rate
    found = first_reaching(1 / product if product else math.inf, run.warmup_steps, run.step_shape, stop)
    if found is None:
        return ""
    return (
        f" At step {found[0]} η × weight_decay was {product * found[1]:.3g}: 1 or more turns the "
        "signs of all parameters at a step. Lower either."
    )


def _unscheduled(summary: Mapping[str, Scalar], shape: Shape | None) -> str:
    """Likewise of a schedule that was not over."""
    outcome, steps = Outcome(str(summary["outcome"])), int(_number(summary, "steps") or 0)
    ends_early = outcome in {Outcome.BUDGET_EXHAUSTED, Outcome.STOPPED, Outcome.DIVERGED}
    if shape is None or steps >= shape.over_from or not ends_early:
        return ""
    reached = float(shape.at(np.array([max(steps - 1, 0)]))[0])
    told = f"Its schedule of {shape.over_from} steps was not over: η had come to {reached:.3g} times its full height"
    if outcome is Outcome.DIVERGED:
        return f"{told}. {_LOWER}"
    return f"{told}, and no run is known to converge before. Take more steps than the schedule, or shorten it."


def _unsettled(summary: Mapping[str, Scalar], warmup_steps: int, optimizer: Optimizer) -> str:
    """What was not over when the steps of a run were, which then could not converge."""
    outcome = Outcome(str(summary["outcome"]))
    if outcome not in {Outcome.BUDGET_EXHAUSTED, Outcome.STOPPED, Outcome.DIVERGED}:
        return ""
    steps, step_size = _number(summary, "steps") or 0, _number(summary, "step_size")
    noise_steps = optimizer.noise_steps
    if steps < warmup_steps and step_size:
        reached = step_size * steps / warmup_steps
        if outcome is Outcome.DIVERGED:
            is_hopeless = _is_above_all_that_is_stable(summary)
            return (
                f"Its warm-up of {warmup_steps} steps was not over: η had grown to {reached:.3g} of {step_size:.3g}. "
                f"{_too_large(summary, _ratios(summary), optimizer, is_warmed=True) if is_hopeless else _LOWER}"
            )
        return (
            f"Its warm-up of {warmup_steps} steps was not over, and no run converges before: η had grown to "
            f"{reached:.3g} of {step_size:.3g}. Take more steps than the warm-up, or shorten it."
        )
    if steps < noise_steps and outcome is not Outcome.DIVERGED:
        what = "parameters" if optimizer.perturbs_parameters else "targets"
        return (
            f"Its {what} are noisy for {noise_steps} steps, and no run converges before: take more steps, or let the "
            "noise end sooner."
        )
    return ""


_LOWER: Final = "Lower η, warm up longer, or start closer to 0."


def _is_above_all_that_is_stable(summary: Mapping[str, Scalar]) -> bool:
    """Whether no warm-up leads to where the full η is stable, as far as is known."""
    ceiling = "least_norm_stable_step" if _fits_nothing(summary) else "max_stable_step"
    return _ratios(summary).get(ceiling, 0.0) >= 1


def _ratios(summary: Mapping[str, Scalar]) -> dict[str, float]:
    """η over each threshold that is known."""
    step = _end_step_size(summary)
    steps = {name: _number(summary, name) for name in THRESHOLDS}
    return {name: step / threshold for name, threshold in steps.items() if step and threshold}


def _end_step_size(summary: Mapping[str, Scalar]) -> float | None:
    """That by which a run is judged; an older release knew no schedules, and had η itself."""
    end = _number(summary, "end_step_size")
    return _number(summary, "step_size") if end is None else end


def _number(summary: Mapping[str, Scalar], name: str) -> float | None:
    value = summary.get(name)
    return value if isinstance(value, int | float) else None


_AT_LEAST_SQUARES: Final = "Ended at the least squares: no predictor fits these data exactly."

_AT_LASSO: Final = "Ended at the lasso that its weight decay leads to, with one of u₊ and u₋ at 0 in each coordinate."


def _is_penalised(summary: Mapping[str, Scalar]) -> bool:
    """Whether weight decay leads it to the lasso."""
    return _number(summary, "lasso_penalty") is not None


def _what(summary: Mapping[str, Scalar]) -> str:
    steps = summary.get("steps")
    return {
        Outcome.CONVERGED: "Converged.",
        Outcome.DIVERGED: f"Diverged within {steps} steps.",
        Outcome.OSCILLATING: f"Oscillates after {steps} steps: the loss stays bounded and does not converge.",
        Outcome.BUDGET_EXHAUSTED: f"Had not converged after {steps} steps, all that were allowed.",
        Outcome.UNSTABLE_INTERPOLATOR: "Fits the data at a point where its step size is unstable, and was not pushed.",
        Outcome.STATIONARY: _AT_LASSO if _is_penalised(summary) else _AT_LEAST_SQUARES,
        Outcome.STANDSTILL: "Stands still: its steps have become too small for float64.",
        Outcome.STOPPED: f"Stopped after the {steps} steps that were asked for, and had not converged.",
    }[Outcome(str(summary["outcome"]))]


def _where(summary: Mapping[str, Scalar]) -> str:
    ratios = _ratios(summary)
    step = _end_step_size(summary)
    if not ratios or step is None:
        return ""
    multiples = [f"{ratio:.3g} × {THRESHOLDS[name]}" for name, ratio in ratios.items()]
    size = "η" if step == _number(summary, "step_size") else "In the end η"
    return f"{size} = {step:.3g} is {_listed(multiples)}."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _why(summary: Mapping[str, Scalar], optimizer: Optimizer, *, is_warmed: bool) -> str:
    outcome, ratios = Outcome(str(summary["outcome"])), _ratios(summary)
    match outcome:
        case Outcome.DIVERGED | Outcome.OSCILLATING:
            return _too_large(summary, ratios, optimizer, is_warmed=is_warmed)
        case Outcome.CONVERGED:
            moved = "" if _number(summary, "min_sharpness") == 0 else _moved(ratios, optimizer)
            return f"{moved} {_how_far(summary, optimizer)}".strip()
        case Outcome.STATIONARY:
            return _PASSING if optimizer.draws_batches else f"{_STATIONARY} {_how_far(summary, optimizer)}".strip()
        case Outcome.STANDSTILL:
            return _no_longer_moves(summary)
        case Outcome.UNSTABLE_INTERPOLATOR:
            return _not_pushed(summary)
        case _:
            return _too_short(summary, ratios, optimizer)


def _how_far_from_lasso(summary: Mapping[str, Scalar]) -> str:
    """Of runs that lasting decay leads there: thresholds are of interpolators, to which it does not."""
    outcome = Outcome(str(summary["outcome"]))
    if not _is_penalised(summary) or outcome in {Outcome.DIVERGED, Outcome.OSCILLATING}:
        return ""
    distance = _number(summary, "lasso_distance")
    far = "" if distance is None else f"β is {distance:.3g} of the lasso away from it, in ‖·‖₂. "
    if outcome is Outcome.STATIONARY:
        return f"{far}Compare its risk with lasso_excess_risk."
    return (
        f"{far}Where the gradient g of the loss is close to the penalty κ, u₊ and u₋ decay by (1 − 2η(κ − |g|)) a step "
        "and no faster: allow more steps, or raise η, or let the decay end (weight_decay_until)."
    )


_STATIONARY: Final = (
    "Where the least squares are unique, optimiser and step size change the way there alone. Compare its risk with "
    "those of ridge and lasso, where the analysis has them."
)

_PASSING: Final = (
    "Minibatches do not come to rest there, and the run was only passing by: its limit_error is 1. Lower η, by which "
    "they stay closer to the least squares, or train on all samples."
)


_MAY_LEAVE: Final = (
    "Minibatches may lead it away again, as at this η they are not stable in the mean square: its limit_error is 1. "
    "Lower η, or take larger ones."
)


_STAYS: Final = (
    "Minibatches are stable in the mean square there at this η, but how far it is to the limit is not known: its "
    "limit_error is 1. Lower η, take larger ones, or leave momentum out."
)

_FORGOTTEN: Final = (
    "In float64 u and v, or u and −v, have become equal in some coordinate: of their difference, of the size of "
    "a² at the start, nothing is left, and the run may be led elsewhere than in exact arithmetic. Take a larger a, or "
    "the model `diagonal` at half of a and of the step size, which keeps both."
)

_DRIFTS: Final = (
    "Its ascents keep their length ρ, by which it goes to and fro within the loss tolerance, and on to where the loss "
    "is flatter: its limit_error is 1. Take ascents that are not normalised, or a lower ρ."
)


_TOO_EARLY: Final = (
    "It was stopped too early to say how far its limit is (limit_error is null): lower stopping.loss_tolerance, or "
    "with stopping.steps take more of them."
)


def _how_far(summary: Mapping[str, Scalar], optimizer: Optimizer) -> str:
    """What the error of the limit says where it is all of β, or is not known; of the limit 0 none is relative."""
    if summary.get("limit_error") == 1 and optimizer.draws_batches:
        return _STAYS if _is_stable_in_the_mean_square(summary) else _MAY_LEAVE
    if summary.get("limit_error") == 1 and _keeps_its_ascent(optimizer):
        return _DRIFTS
    is_unknown = "limit_error" in summary and summary["limit_error"] is None
    return _TOO_EARLY if is_unknown and _number(summary, "min_sharpness") != 0 else ""


def _is_stable_in_the_mean_square(summary: Mapping[str, Scalar]) -> bool:
    limit, step_size = (_number(summary, name) for name in ("mean_square_stable_step", "step_size"))
    return limit is not None and step_size is not None and step_size < limit


def _no_longer_moves(summary: Mapping[str, Scalar]) -> str:
    """Where steps vanish: at parameters of 0, near them, or in the rounding of large ones."""
    scale = _number(summary, "init_scale")
    if _number(summary, "smallest_parameter") == 0:
        way_out = "A parameter is 0, and one that starts there stays: start every one away from 0"
    elif scale is not None and scale >= LARGE:
        way_out = "Steps are lost in the rounding of large parameters: start from a smaller scale"
    else:
        way_out = (
            "Where parameters are still close to 0, as at the saddle of a deep network, start from a larger scale; "
            "where they are large their rounding swallows the steps, and a smaller scale, or scaled data, help"
        )
    return f"{way_out}. More steps change nothing."


def _not_pushed(summary: Mapping[str, Scalar]) -> str:
    if _number(summary, "min_sharpness") == 0:
        return "Where y is 0 a perturbation has no size: lower η, or start closer to 0."
    return "Let it be perturbed (stopping.perturb), or lower η."


def _moved(ratios: Mapping[str, float], optimizer: Optimizer) -> str:
    """What η alone says; noise of minibatches or labels may move a run besides."""
    flow = ratios.get("flow_stable_step")
    if flow is None:
        return ""
    if flow < 1:
        further = f"{_further(ratios)}.{_unreachable(ratios)}"
        steps = " for steps of all samples" if optimizer.draws_batches else ""
        return f"The limit of gradient flow is stable at this η{steps}, which is no cause to leave it{further}"
    return (
        "The limit of gradient flow is unstable at this η: the run ended where the loss is flatter, at another "
        "interpolator unless only one fits."
    )


def _further(ratios: Mapping[str, float]) -> str:
    """Where to look for what the step size does."""
    largest = ratios.get("max_stable_step")
    wanted = "; to see what the step size does take multiples of flow_stable_step above 1"
    if largest is None or _unreachable(ratios):
        return wanted
    reach = ratios["flow_stable_step"] / largest
    if reach < NOTHING_FLATTER:
        return f"; η* is {reach:.3g} times that limit's own, so that larger steps have hardly anything flatter to find"
    return f"{wanted}, up to {reach:.3g} at η*"


def _too_large(
    summary: Mapping[str, Scalar], ratios: Mapping[str, float], optimizer: Optimizer, *, is_warmed: bool
) -> str:
    """Which threshold the step size is above, η* before all others, then in the order in which a run meets them."""
    if not ratios:
        return "No step size is known to be stable here: lower η until it converges, or standardise uneven columns."
    for name, reason in _reasons(summary, is_warmed=is_warmed).items():
        if ratios.get(name, 0.0) >= 1:
            signs = _SIGNS if name == "max_stable_step" and _is_odd(summary) else ""
            less = " or less, as minibatches are less stable" if optimizer.draws_batches else ""
            target = f"{_below(summary, name):.2g}{less}{_otherwise(ratios, name)}"
            return f"{reason}{signs}: lower η to {target}.{_unreachable(ratios)}"
    return f"Every known threshold is above η, {_below_all(optimizer)}.{_unreachable(ratios)}"


def _reasons(summary: Mapping[str, Scalar], *, is_warmed: bool) -> dict[str, str]:
    """What it means to be above a threshold; a run that has warmed up is no longer at its start."""
    led = "It is led to where this η is unstable"
    ceiling = {"max_stable_step": "Above η* no interpolator is known to be stable"}
    if _fits_nothing(summary):
        ceiling = {"least_norm_stable_step": "The least squares of least ℓ2 norm are unstable at this η"}
    start = "Its warm-up did not lead to where this η is stable" if is_warmed else "The first steps at full η overshoot"
    return ceiling | {"start_stable_step": start, "flow_stable_step": led}


def _below_all(optimizer: Optimizer) -> str:
    """Why a run that is below all thresholds may not settle: they are of small deviations, and of all samples."""
    if optimizer.draws_batches:
        return "but minibatches are less stable than steps of all samples: halve η, or take larger ones"
    if _keeps_its_ascent(optimizer):
        return _TO_AND_FRO
    if _ascends_by_samples(optimizer):
        return "but they are those of ascents along the mean gradient, and 1-SAM is less stable: halve η, or lower ρ"
    if optimizer.momentum:
        return (
            "but they are those of small deviations, and momentum carries a run beyond them: halve η, lower the "
            "momentum, warm up (longer), or start closer to 0"
        )
    return "so on its way the loss is sharper than at both ends: halve η, warm up (longer), or start closer to 0"


_TO_AND_FRO: Final = (
    "but a normalised ascent has the length ρ however near a minimum is, about which the run goes to and fro by "
    "ηλρ/(2 − ηλ): lower ρ or η, or take ascents that are not normalised"
)


def _keeps_its_ascent(optimizer: Optimizer) -> bool:
    return optimizer.ascent is not None and optimizer.ascent.normalized


def _ascends_by_samples(optimizer: Optimizer) -> bool:
    return optimizer.ascent is not None and optimizer.ascent.along == AscentAlong.SAMPLE


def _fits_nothing(summary: Mapping[str, Scalar]) -> bool:
    """Whether what a run tends to are least squares: η* is not known then, nor why it would be infinite."""
    return _number(summary, "max_stable_step") is None and _number(summary, "min_sharpness") is None


_SIGNS: Final = " with parameters θ ≥ 0; at odd depth others may be flatter (max_stable_step_sign_free in the analysis)"


def _is_odd(summary: Mapping[str, Scalar]) -> bool:
    depth = _number(summary, "depth")
    return depth is not None and depth % 2 == 1


def _otherwise(ratios: Mapping[str, float], name: str) -> str:
    """What may help in place of a step size as low as that; where nothing is stable no warm-up does."""
    if name == "least_norm_stable_step" or _unreachable(ratios):
        return ""
    if name != "max_stable_step":
        is_led = ratios.get("flow_stable_step", 1.0) >= 1
        return f", or warm up (longer){', which may lead to where this η is stable' if is_led else ''}"
    start = ratios.get("start_stable_step", 0.0)
    return ", or try a (longer) warm-up to one below η*" if start > ratios[name] else ""


def _below(summary: Mapping[str, Scalar], name: str) -> float:
    """Nine tenths of a threshold, or of that at the start where it is lower."""
    steps = (_number(summary, each) for each in ("start_stable_step", name))
    return 0.9 * min(step for step in steps if step is not None)


def _unreachable(ratios: Mapping[str, float]) -> str:
    """What to do where η* says nothing of descent."""
    flow, largest = ratios.get("flow_stable_step"), ratios.get("max_stable_step")
    if flow is None or largest is None or flow < OUT_OF_REACH * largest:
        return ""
    return (
        f" η* belongs to an interpolator that descent from here does not come near (it is {flow / largest:.3g} times "
        'what is stable at the limit of gradient flow): standardise columns of different sizes ("transform": '
        '{"X": "standardise"}), or if they are even start from a smaller scale or scale y up, '
        'and give step sizes as {"multiples_of": "flow_stable_step"}.'
    )


def _is_at_saddle(summary: Mapping[str, Scalar], ratios: Mapping[str, float]) -> bool:
    """Whether the tangent features are still small beside those that would fit: θ is near 0."""
    sharpness, limit = (_number(summary, name) for name in ("gauss_newton_sharpness", "stability_threshold"))
    ratio = ratios.get("least_norm_stable_step")
    return None not in {sharpness, limit, ratio} and sharpness < AT_SADDLE * limit * ratio  # type: ignore[operator]


def _away_from_least_squares(optimizer: Optimizer) -> str:
    """What keeps a run from where the gradients of samples do not vanish, and only their mean does."""
    if optimizer.draws_batches:
        return (
            "minibatches never come to rest: lower η, by which they stay closer to the least squares, or train on all "
            "samples"
        )
    if _ascends_by_samples(optimizer):
        return (
            "the ascents of samples never vanish, and a run does not come to the least squares: lower ρ, or take "
            "ascents along the mean gradient"
        )
    return ""


def _too_short(summary: Mapping[str, Scalar], ratios: Mapping[str, float], optimizer: Optimizer) -> str:
    largest = max(ratios.values(), default=None)
    is_stopped = Outcome(str(summary["outcome"])) is Outcome.STOPPED
    more = "Ask for more steps" if is_stopped else "Allow more steps (stopping.max_steps)"
    if _is_at_saddle(summary, ratios):
        lower = ", and lower η below the thresholds that it exceeds" if largest is not None and largest >= 1 else ""
        return f"It is still near the saddle θ = 0, where steps are small: start from a larger scale{lower}. {more}."
    if _fits_nothing(summary) and (away := _away_from_least_squares(optimizer)):
        return f"Where nothing interpolates {away}. More steps alone change little."
    if largest is None:
        return f"{more}."
    if largest < 1 and _keeps_its_ascent(optimizer):
        return f"Every known threshold is above η, {_TO_AND_FRO}. More steps lead to where λ is less, and no nearer."
    if largest < SLOW:
        return (
            f"η is small beside every threshold: raise it up to {1 / largest:.2g} times. {more}.{_unreachable(ratios)}"
        )
    exceeds = f"{more}, or lower η below the thresholds that it exceeds, above which a run settles slowly if at all."
    below = (
        f"{more}: no threshold stands against it, but a start close to 0 and columns that are nearly alike take long."
        f"{_unreachable(ratios)}"
    )
    return exceeds if largest >= 1 else below
