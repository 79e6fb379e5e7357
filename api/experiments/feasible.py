"""What must fail, as far as that can be told in a moment: it is refused before anything is recorded."""

from typing import Final

import numpy as np

from api.problems.request_errors import UnusableBody, Violation
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.errors import InvalidData, NoInterpolator, StepbiasError
from core.experiment.dataset import dataset_of
from core.implicit_bias.flow_start import flow_can_be_followed
from core.spec.experiment_spec import ExperimentSpec, SparseRegression
from core.spec.optimizers import StepUnit
from core.stability.sharpness import stable_step_at, top_hessian_eigenpair
from core.sweep.grid import Grid
from core.sweep.initial_parameters import initial_parameters
from jobs.kept_documents import kept_analysis, uploads
from jobs.ports import Store

MOST_FLOPS: Final = 3e8
"""N·d·min(N, d) of data whose interpolators are looked for while somebody waits: a tenth of a second."""

_STEP_SIZE: Final = "/optimizer/step_size"


def require_feasible(spec: ExperimentSpec, *, store: Store) -> None:
    """Return if nothing is known by which the experiment must fail; what is found only by its analysis is not.

    Raises:
        UnusableBody: its data are no regression problem, or its step sizes are multiples of one that there is not.
    """
    grid = Grid(spec)
    dataset = None if isinstance(spec.data, SparseRegression) else _dataset(grid, store)
    if grid.run(0).step_size is None and (reason := _without_step(spec, grid, dataset, store)):
        unit = _unit(grid) or "the largest stable step size"
        detail = f"multiples of {unit} have no meaning for this data set: {reason}"
        raise _unusable(Violation(pointer=_STEP_SIZE, detail=detail))


def _dataset(grid: Grid, store: Store) -> Dataset | None:
    """The user's data; None where they cannot be had, which is told elsewhere."""
    try:
        return dataset_of(grid.problem(0).data, uploads(store))
    except InvalidData as error:
        raise _unusable(Violation(pointer="/data", detail=error.message)) from None
    except StepbiasError:
        return None


def _without_step(spec: ExperimentSpec, grid: Grid, dataset: Dataset | None, store: Store) -> str | None:
    """Why there is no step size that the others are multiples of; None where there may be one."""
    unit = _unit(grid)
    if unit is None:
        return _without_interpolator(spec, grid, dataset, store)
    if dataset is None:
        return None
    if unit is StepUnit.LEAST_NORM:
        return None if (dataset.X.T @ dataset.y).any() else unit.unknown_because
    return _of_starts(grid, unit, dataset)


def _unit(grid: Grid) -> StepUnit | None:
    multiple = grid.run(0).step_multiple
    return None if multiple is None else multiple.multiple_of


def _of_starts(grid: Grid, unit: StepUnit, dataset: Dataset) -> str | None:
    """Of the first start and the last, between which the others are, mostly."""
    if dataset.X.size * min(dataset.X.shape) > MOST_FLOPS:
        return None
    for run in (grid.run(0), grid.run(grid.runs_per_problem - 1)):
        initial = initial_parameters(run, dataset.X.shape[1])
        if unit is StepUnit.FLOW:
            is_known = flow_can_be_followed(initial, run.network)
        else:
            is_known = stable_step_at(top_hessian_eigenpair(dataset.X, dataset.y, initial, run.network)) is not None
        if not is_known:
            return unit.unknown_because
    return None


def _without_interpolator(spec: ExperimentSpec, grid: Grid, dataset: Dataset | None, store: Store) -> str | None:
    """Why there is no largest stable step; None where there may be one."""
    analysis = kept_analysis(store, grid.problem(0).key)
    if analysis is not None and analysis.max_stable_step is None:
        return analysis.no_interpolator or "every step size is stable"
    if isinstance(spec.data, SparseRegression):
        return _of_drawn(spec)
    return None if dataset is None else _of_data(dataset)


def _of_drawn(spec: ExperimentSpec) -> str | None:
    """Noise leaves more samples than dimensions without an interpolator, with probability 1."""
    met = spec.extremes_of("data", "samples", "dimension", "noise_variance")
    for samples, dimension, noise in sorted(met, key=lambda each: each[1] - each[0]):
        if samples > dimension and noise > 0:
            return f"nothing interpolates {samples:g} samples with noise in {dimension:g} dimensions"
    return None


def _of_data(dataset: Dataset) -> str | None:
    X, y = dataset.X, dataset.y
    if not y.any():
        return "every step size is stable where y is 0"
    if X.size * min(X.shape) > MOST_FLOPS:
        return None
    try:
        interpolator_set(X, y)
    except NoInterpolator as reason:
        return reason.message
    except np.linalg.LinAlgError:
        return None
    return None


def _unusable(violation: Violation) -> UnusableBody:
    return UnusableBody("The experiment could only fail, as is told under errors.", violations=(violation,))
