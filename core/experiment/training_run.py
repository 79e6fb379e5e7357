"""From the runs of a grid to what is trained: documents and the analysis of their problem become numbers."""

import math

import numpy as np
from jaxtyping import Float64

from core.analysis.problem_analysis import ProblemAnalysis
from core.analysis.starts import Starts
from core.errors import NoInterpolator
from core.identity import rounded
from core.spec.optimizers import StepUnit
from core.sweep.grid_run import Run
from core.sweep.initial_parameters import initial_parameters
from core.training.convergent_step_search import StepSearch
from core.training.problem import NeverStable
from core.training.sensitivity import WithTwin
from core.training.training_run import TrainingRun
from core.training.trials import Search, SingleTrial


def training_run(run: Run, analysis: ProblemAnalysis, starts: Starts | None = None) -> TrainingRun:
    """The run in numbers; `starts` knows those of its problem, where step sizes are multiples of what depends on them.

    Raises:
        NoInterpolator: its step size is a multiple of one that is not known.
    """
    stopping = run.spec.stopping
    initial = initial_parameters(run, analysis.dimension)
    optimizer = run.optimizer.in_effect.on(analysis.samples)
    ends_after = optimizer.stream_steps(analysis.samples)
    takes_all_steps = stopping.steps is not None or ends_after is not None
    is_completed = stopping.completes and optimizer.is_completable and not takes_all_steps
    return TrainingRun(
        index=run.index,
        initial=initial,
        optimizer=optimizer,
        step_size=_step_size(run, analysis, starts, initial),
        warmup_steps=run.warmup_steps,
        step_shape=run.step_shape,
        weight_decay=run.weight_decay,
        loss_tolerance=stopping.loss_tolerance,
        max_steps=stopping.budget if ends_after is None else min(ends_after, stopping.budget),
        perturb_unstable=stopping.perturbs and not takes_all_steps,
        holds=stopping.holds,
        record_points=run.spec.recording.records,
        seed=run.seed,
        completion_tolerance=stopping.completion_tolerance if is_completed else 0.0,
        wants_proof=stopping.wants_proof,
        takes_all_steps=takes_all_steps,
        record_plan=run.spec.recording.plan,
    )


def search_of(run: Run, trained: TrainingRun) -> Search:
    """A run, in numbers as `trained`, as a search: what it is trained for again and again, if it is."""
    search: Search = SingleTrial(run=trained)
    if (bracket := run.step_bracket) is not None:
        search = StepSearch(run=trained, lower=bracket.lower, upper=bracket.upper, resolution=bracket.resolution)
    if not (wanted := run.spec.recording.sensitivity):
        return search
    return WithTwin(search=search, network=run.network, only_if_needed=wanted == "auto")


def require_unit(run: Run, analysis: ProblemAnalysis) -> None:
    """Return unless the analysis says that what the run's step size is a multiple of does not exist.

    Raises:
        NoInterpolator: so it is.
    """
    if run.step_multiple is None:
        resolved_step_size(run, analysis)
    elif run.step_multiple.multiple_of is StepUnit.LEAST_NORM and analysis.least_norm_stable_step is None:
        raise _meaningless(StepUnit.LEAST_NORM, analysis, StepUnit.LEAST_NORM.unknown_because)


def _step_size(
    run: Run, analysis: ProblemAnalysis, starts: Starts | None, initial: Float64[np.ndarray, "part dim"]
) -> float:
    """η of a run, whichever way it is given; to 12 significant digits, as all of a spec, where it is a multiple."""
    if (multiple := run.step_multiple) is None:
        return resolved_step_size(run, analysis)
    unit = analysis.least_norm_stable_step
    if multiple.multiple_of is not StepUnit.LEAST_NORM:
        unit = None if starts is None else starts.of(initial).stable_steps[multiple.multiple_of]
    if unit is None:
        raise _meaningless(multiple.multiple_of, analysis, multiple.multiple_of.unknown_because)
    return rounded(multiple.value * run.largest_stable_step(unit))


def resolved_step_size(run: Run, analysis: ProblemAnalysis) -> float:
    """η of a run, also where the spec gives it as a fraction of the largest stable step.

    Where the largest convergent step is looked for, the largest stable one.

    Raises:
        NoInterpolator: no step size is known to be stable, so nothing can be a multiple of the largest.
        ValueError: it is a multiple of another one.
    """
    if run.step_size is not None:
        return run.step_size
    if analysis.max_stable_step is None:
        form = "fractions_of_max_stable" if run.step_bracket is None else "largest_convergent"
        raise _meaningless(form, analysis)
    return run.resolved_step_size(analysis.max_stable_step)


def _meaningless(what: str, analysis: ProblemAnalysis, reason: str = "every step size is stable") -> NoInterpolator:
    of_data = None if what == StepUnit.START else analysis.no_interpolator
    return NoInterpolator(f"{what} has no meaning for this data set: {of_data or reason}")


def never_stable(analysis: ProblemAnalysis) -> NeverStable:
    """The step sizes above which nothing is stable; infinite where that is not known."""
    return NeverStable(
        positive=analysis.never_stable_above or math.inf,
        any_sign=analysis.never_stable_above_sign_free or math.inf,
    )
