"""Small experiments for the tests of grids, results, curves and figures."""

from collections.abc import Mapping
from typing import Any

from core.analysis.problem_analysis import ProblemAnalysis, ReferenceInterpolator
from core.spec.experiment_spec import ExperimentSpec
from core.spec.run_spec import PlainSparseRegression
from core.sweep.grid import Grid, GridProblem

SCALES = [0.01, 0.1, 1.0]
STEP_SIZES = [0.001, 0.004]
SEEDS = [0, 1, 2, 3]


def document(**parts: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest spec, with fields of its parts replaced: `document(data={"seed": 1})`."""
    smallest: dict[str, dict[str, Any]] = {
        "data": {"kind": "sparse_regression"},
        "initialization": {"kind": "uniform", "scale": 0.1},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.001},
    }
    return smallest | {part: smallest.get(part, {}) | dict(fields) for part, fields in parts.items()}


def grid_of(**parts: Mapping[str, Any]) -> Grid:
    """The grid of `document(**parts)`."""
    return Grid(ExperimentSpec.model_validate(document(**parts)))


def fan() -> Grid:
    """Four data seeds, three scales and two step sizes: 24 runs."""
    return grid_of(
        data={"seed": {"values": SEEDS}},
        initialization={"scale": {"values": SCALES}},
        optimizer={"step_size": {"values": STEP_SIZES}},
    )


def every_figure() -> Grid:
    """A small experiment of which every figure can be drawn."""
    return grid_of(
        data={"samples": {"values": [3, 6]}, "dimension": 8, "sparsity": 2},
        model={"kind": "diagonal", "depth": {"values": [2, 3]}},
        initialization={"scale": {"values": [0.1, 1.0]}},
        optimizer={"step_size": {"values": [0.002, 0.004]}, "warmup_steps": 100},
        recording={"vectors": ["predictor", "time_average"]},
    )


def risk(coordinates: Mapping[str, float]) -> float:
    """A made-up risk that is another one at every point of the fan."""
    return 1000 * coordinates["step_size"] + coordinates["init_scale"] + 10 * coordinates["seed"]


def summaries_of(grid: Grid) -> list[dict[str, Any] | None]:
    """One converged run at every point of a fan."""
    return [
        {
            "outcome": "converged",
            "excess_risk": risk(grid.coordinates(run.index)),
            "flow_excess_risk": run.init_scale,
            "steps": run.index,
            "data_key": run.data_key,
        }
        for run in grid.runs()
    ]


def analyses_of(grid: Grid) -> dict[str, ProblemAnalysis]:
    """The made-up analyses of the data sets of a fan; the risk of the baselines grows with the seed."""
    return {problem.key: _analysis_of(problem) for problem in grid.each_problem()}


def _analysis_of(problem: GridProblem) -> ProblemAnalysis:
    data = problem.data
    assert isinstance(data, PlainSparseRegression)
    return ProblemAnalysis(
        data_key=problem.data_key,
        network=problem.network.key,
        depth=problem.network.degree,
        digest="made up",
        samples=data.samples,
        dimension=data.dimension,
        interpolators={
            "min_l1": ReferenceInterpolator(excess_risk=0.01 + data.seed),
            "min_l2": ReferenceInterpolator(excess_risk=100.0 + data.seed),
        },
        max_stable_step=0.008,
    )
