"""Made-up results for the tests of figures: plausible numbers for any grid, without training a single run."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.analysis.problem_analysis import ProblemAnalysis, ReferenceInterpolator
from core.figures.results import Results
from core.sweep.grid import Grid, GridProblem
from core.sweep.grid_run import Run

LEAST_SHARPNESS = 250.0
LEAST_MEASURE = 240.0
LARGEST_STEP = 2 / LEAST_SHARPNESS

UNKNOWN = {"data_key": "", "network": "", "depth": 2, "digest": "", "samples": 1, "dimension": 1}

Summaries = list[dict[str, Any] | None]

HOSTILE = "$\\frac{x$ <b>&\x00\n_^{ 日本 " + "long " * 40
"""A name that is no formula, no markup, not all printable, in several scripts, and long."""


def results_of(
    grid: Grid,
    summaries: Sequence[Mapping[str, Any] | None] | None = None,
    analyses: Mapping[str, ProblemAnalysis] | None = None,
    *,
    name: str = "made up",
    arrays: Callable[[int], Mapping[str, np.ndarray] | None] | None = None,
) -> Results:
    """The results of a grid; what is not given is made up."""
    return Results(
        grid=grid,
        summaries=made_up_summaries(grid) if summaries is None else summaries,
        analyses=made_up_analyses(grid) if analyses is None else analyses,
        name=name,
        arrays=arrays or (lambda index: made_up_arrays(grid.run(index))),
        true_predictor=lambda _: None,
    )


def made_up_summaries(grid: Grid) -> Summaries:
    """One run at every point; above the largest stable step it oscillates."""
    return [made_up_summary(run) for run in grid.runs()]


def step_of(run: Run) -> float:
    """η in numbers; whatever it is a multiple of beside η* is half of that."""
    if run.step_multiple is not None:
        return run.step_multiple.value * run.largest_stable_step(LARGEST_STEP) / 2
    return run.resolved_step_size(LARGEST_STEP)


def made_up_summary(run: Run) -> dict[str, Any]:
    """A run whose sharpness is a plateau until it meets 2/η, and whose risk falls with the step size."""
    step, scale, seed = step_of(run), run.init_scale, getattr(run.spec.data, "seed", 0)
    sharpness = min(2000 * scale**0.6 + 300, 2 / step) * (1 + 0.02 * seed)
    share = scale**2 / (scale**2 + 0.04) * max(1 - step / LARGEST_STEP, 0.0) ** 1.5
    measure = LEAST_MEASURE * (1 + 0.02 * seed) + 0.85 * max(sharpness - LEAST_SHARPNESS, 0.0)
    return {
        "outcome": "converged" if step <= LARGEST_STEP else "oscillating",
        "step_size": step,
        "excess_risk": (0.008 + 1.3 * share) * (1 + 0.2 * seed),
        "flow_excess_risk": 0.008 + 1.3 * scale**2 / (scale**2 + 0.04),
        "sharpness": sharpness,
        "gauss_newton_sharpness": sharpness,
        "sharpness_upper_bound": 1.8 * sharpness,
        "sharpness_lower_bound": measure,
        "weighted_norm": LEAST_MEASURE + 0.6 * (measure - LEAST_MEASURE),
        "stability_threshold": 2 / step,
        "effective_init": scale * (1 - 0.8 * min(step / LARGEST_STEP, 1.0)),
        "max_stable_step": LARGEST_STEP,
        "data_key": run.data_key,
    }


def made_up_analyses(grid: Grid) -> dict[str, ProblemAnalysis]:
    """The analysis of every problem of the grid; risks fall with the samples, and the least sharpness grows."""
    return {problem.key: made_up_analysis(problem) for problem in grid.each_problem()}


def recorded(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, ProblemAnalysis]:
    """Analyses as they are read, what these documents do not say being unknown."""
    return {
        key: ProblemAnalysis.from_json(json.dumps(UNKNOWN | dict(document)).encode())
        for key, document in documents.items()
    }


def made_up_analysis(problem: GridProblem) -> ProblemAnalysis:
    """An analysis; at odd depth the least sharpness of any sign is smaller."""
    network, data = problem.network, problem.data
    samples, seed = getattr(data, "samples", 50), getattr(data, "seed", 0)
    least = LEAST_SHARPNESS * (1 + 0.02 * seed)
    free = least * (0.8 if network.degree % 2 else 1.0)
    risks = {"min_l1": 0.0078, "min_l2": 1.3, "flattest": 1.5 * (1 + 0.1 * seed) / samples}
    return ProblemAnalysis(
        data_key=problem.data_key,
        network=network.key,
        depth=network.degree,
        digest="made up",
        samples=samples,
        dimension=getattr(data, "dimension", 4),
        interpolators={name: ReferenceInterpolator(excess_risk=risk) for name, risk in risks.items()}
        | {"least_stability_measure": ReferenceInterpolator(objective=LEAST_MEASURE)},
        min_sharpness_upper=least,
        min_sharpness_sign_free_upper=free,
        max_stable_step=2 / least,
        max_stable_step_sign_free=2 / free,
    )


def with_excess_risk(analysis: ProblemAnalysis, name: str, risk: float | None) -> ProblemAnalysis:
    """The analysis with this excess risk of one of its interpolators."""
    return replace(analysis, interpolators={**analysis.interpolators, name: ReferenceInterpolator(excess_risk=risk)})


def made_up_arrays(run: Run) -> dict[str, np.ndarray]:
    """The curves of a run whose sharpness climbs with the steps until it meets 2/η_t."""
    steps = np.append(0, np.unique(np.geomspace(1, 30_000, run.spec.recording.points).astype(np.int64)))
    step_size, warmup = step_of(run), max(run.warmup_steps, 1)
    threshold = 2 / (step_size * np.minimum(1.0, (steps + 1) / warmup))
    climbing = 60 + 900 * run.init_scale * (1 - np.exp(-steps / 300)) + 300 * (1 - np.exp(-steps / 100))
    parts = {name: np.full(getattr(run.spec.data, "dimension", 4), 0.3) for name in run.network.parts}
    if run.spec.recording.vectors:
        parts |= _made_up_vectors(steps, getattr(run.spec.data, "dimension", 4))
    return parts | {
        "record_step": steps,
        "train_loss": (12 * np.exp(-steps * step_size / 8) + 1e-9).astype(np.float32),
        "sharpness": np.minimum(climbing, threshold).astype(np.float32),
        "excess_risk": (0.1 + np.exp(-steps / 300) + 0.3 * run.init_scale * (1 - np.exp(-steps / 3000))),
    }


def _made_up_vectors(steps: np.ndarray, dimension: int) -> dict[str, np.ndarray]:
    """Coordinates that come up one after the other, and a plateau between the first two."""
    time = steps / 3000
    late = 1 + np.arange(dimension)
    return {
        "vector_rescaled_time": time,
        "vector_predictor": 1 / (1 + np.exp(-30 * (time[:, None] - late))) - 1e-20,
        "vector_lasso_gap": 0.01 * time / (1 + time) ** 2,
        "plateau_left": np.array([1.0, 2.0]),
        "plateau_loss": np.array([12.0, 0.5]),
    }
