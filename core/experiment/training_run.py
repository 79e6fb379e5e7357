"""From the runs of a grid to what is trained: documents and the analysis of their problem become numbers."""

import math
from typing import assert_never

import numpy as np
from jaxtyping import Float64

from core.analysis.problem_analysis import ProblemAnalysis
from core.errors import NoInterpolator
from core.networks.initialization import Scales, normal_scales, uniform_scales, vector_scales
from core.spec.run_spec import PlainInitialization, PlainNormal, PlainUniform, PlainUV, PlainVector
from core.sweep.grid_run import Run
from core.training.convergent_step_search import StepSearch
from core.training.problem import NeverStable
from core.training.sensitivity import WithPerturbedCopy
from core.training.training_run import TrainingRun
from core.training.trials import Search, SingleTrial


def training_run(run: Run, analysis: ProblemAnalysis) -> TrainingRun:
    """The run in numbers.

    Raises:
        NoInterpolator: its step size is a multiple of one that is not known.
    """
    stopping = run.spec.stopping
    return TrainingRun(
        index=run.index,
        initial=initial_parameters(run, analysis.dimension),
        optimizer=run.optimizer.in_effect,
        step_size=resolved_step_size(run, analysis),
        warmup_steps=run.warmup_steps,
        loss_tolerance=stopping.loss_tolerance,
        max_steps=stopping.budget,
        perturb_unstable=stopping.perturbs,
        record_points=run.spec.recording.points,
        seed=run.seed,
        completion_tolerance=stopping.completion_tolerance if stopping.completes else 0.0,
        takes_all_steps=stopping.steps is not None,
    )


def search_of(run: Run, analysis: ProblemAnalysis) -> Search:
    """The run as a search: what it is trained for again and again, if it is.

    Raises:
        NoInterpolator: likewise.
    """
    trained = training_run(run, analysis)
    search: Search = SingleTrial(run=trained)
    if (bracket := run.step_bracket) is not None:
        search = StepSearch(run=trained, lower=bracket.lower, upper=bracket.upper, resolution=bracket.resolution)
    return WithPerturbedCopy(search=search, network=run.network) if run.spec.recording.sensitivity else search


def initial_parameters(run: Run, dim: int) -> Float64[np.ndarray, "part dim"]:
    """θ(0).

    Raises:
        ValueError: the start is a vector that has not d entries.
    """
    shape = run.spec.model.shape if isinstance(run.spec.model, PlainUV) else 0.0
    return run.network.initial(_scales(run.spec.initialization, dim), shape)


def resolved_step_size(run: Run, analysis: ProblemAnalysis) -> float:
    """η of a run, also where the spec gives it as a fraction of the largest stable step.

    Where the largest convergent step is looked for, the largest stable one.

    Raises:
        NoInterpolator: no step size is known to be stable, so nothing can be a multiple of the largest.
    """
    if run.step_size is not None:
        return run.step_size
    if analysis.max_stable_step is None:
        form = "fractions_of_max_stable" if run.step_bracket is None else "largest_convergent"
        reason = analysis.no_interpolator or "every step size is stable"
        raise NoInterpolator(f"{form} has no meaning for this data set: {reason}")
    return run.resolved_step_size(analysis.max_stable_step)


def never_stable(analysis: ProblemAnalysis) -> NeverStable:
    """The step sizes above which nothing is stable; infinite where that is not known."""
    return NeverStable(
        positive=analysis.never_stable_above or math.inf,
        any_sign=analysis.never_stable_above_sign_free or math.inf,
    )


def _scales(initialization: PlainInitialization, dim: int) -> Scales:
    """The scales of the positive and of the negative half."""
    match initialization:
        case PlainUniform(scale=scale):
            return uniform_scales(scale, dim)
        case PlainNormal(scale=scale, seed=seed, independent=independent):
            return normal_scales(scale, dim, seed=seed, independent=independent)
        case PlainVector(scale=scale, vector=vector):
            return vector_scales(scale, vector, dim)
        case _:
            assert_never(initialization)
