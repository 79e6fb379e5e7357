"""The equations of strides by the compiled kernel, against NumPy's and against themselves."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.completion.stages import LIMITS, NumpyStages, StageSolver, combined
from core.completion.striding import LogDescent
from core.completion.summation import StepSums
from core.data.row_space import interpolator_set
from core.descent.kernel import NUMPY, kernel_names, native_stages
from core.implicit_bias.log_steps import PairSizes
from tests.core.problems import paper_problem, small_problem

COMPILED = [name for name in kernel_names() if name != NUMPY]
FUSING = [name for name in COMPILED if name != "baseline"]
compiled = pytest.mark.parametrize("name", COMPILED or [pytest.param("", marks=pytest.mark.skip("none is compiled"))])

R = np.array([0.3, 0.6, 1.0])
RISE = 0.01


def solver_of(name: str, reference: NumpyStages) -> StageSolver:
    """The one of a compiled kernel, on the same problem."""
    native = native_stages(name)
    assert native is not None
    return native(reference.root, reference.target, limits=LIMITS)


def problem(seed: int, samples: int, dimension: int) -> tuple[LogDescent, np.ndarray]:
    """Descent at a hundredth of the largest stable step size of a random state, and that state."""
    data = paper_problem() if dimension == 100 else small_problem(seed, samples=samples, dimension=dimension)
    logs = np.log(np.random.default_rng(seed).uniform(0.05, 1.0, (2, dimension)))
    unit = LogDescent.of(interpolator_set(data.X, data.y), 1.0)
    step_size = 0.02 / unit.modes_of(np.exp(2 * logs)).largest
    return LogDescent.of(interpolator_set(data.X, data.y), step_size), logs


def settled(
    solver: StageSolver, descent: LogDescent, start: np.ndarray, pairs: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """The states of a stretch of pairs of steps in a warm-up, and the paces there."""
    foreseen = np.broadcast_to(start, (3, *start.shape))
    sizes, over = PairSizes(rate=descent.rate, r=R, rise=RISE), StepSums.over(pairs)
    return solver.settled(start, foreseen, sizes, over.sums_to(over.nodes), descent.modes(start).linearisation)


SHAPES = [(1, 1), (1, 6), (3, 7), (5, 5), (6, 13), (50, 100)]


@compiled
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), shape=st.sampled_from(SHAPES), nodes=st.integers(1, 3))
def test_a_pace_is_that_of_numpy(name: str, seed: int, shape: tuple[int, int], nodes: int) -> None:
    """To rounding of the logarithms of the two steps, whatever is there beside it."""
    descent, logs = problem(seed, *shape)
    several = logs + np.random.default_rng(seed).normal(0, 0.2, (nodes, *logs.shape))
    solver = solver_of(name, descent.steps)
    sizes = [PairSizes(rate=descent.rate, r=r, rise=RISE) for r in (R[:nodes], *R[:nodes, None])]
    found = solver.pace(several, sizes[0])
    np.testing.assert_allclose(found, descent.steps.pace(several, sizes[0]), rtol=1e-10, atol=1e-14)
    alone = [solver.pace(each[None], size) for each, size in zip(several, sizes[1:], strict=True)]
    assert found.tobytes() == np.concatenate(alone).tobytes()


@compiled
def test_a_step_that_changes_a_sign_has_no_logarithm(name: str) -> None:
    """Neither the first of two nor the second, as NumPy says it."""
    descent, logs = problem(3, 3, 7)
    for rate in (descent.rate, 20 * descent.rate, 1000 * descent.rate):
        sizes = PairSizes(rate=rate, r=R[2:])
        with np.errstate(all="ignore"):
            expected = descent.steps.pace(logs[None], sizes)
        found = solver_of(name, descent.steps).pace(logs[None], sizes)
        assert np.isfinite(found).all() == np.isfinite(expected).all()


@compiled
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), shape=st.sampled_from(SHAPES), pairs=st.sampled_from([3.0, 11.5, 40.0]))
def test_states_are_the_sums_of_their_paces(name: str, seed: int, shape: tuple[int, int], pairs: float) -> None:
    """And those that NumPy finds, with the paces of the states."""
    descent, start = problem(seed, *shape)
    solvers = (solver_of(name, descent.steps), descent.steps)
    with np.errstate(all="ignore"):  # where they do not settle
        found, expected = (settled(solver, descent, start, pairs) for solver in solvers)
    assert (found is None) == (expected is None)
    assume(found is not None)
    assert found is not None
    assert expected is not None
    states, pace = found
    weights = StepSums.over(pairs).sums_to(StepSums.over(pairs).nodes)
    np.testing.assert_allclose(start + combined(weights, pace), states, atol=10 * LIMITS.solved)
    sizes = PairSizes(rate=descent.rate, r=R, rise=RISE)
    np.testing.assert_allclose(pace, descent.steps.pace(states, sizes), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(states, expected[0], atol=1e-12)


@pytest.mark.skipif(len(FUSING) < 2, reason="a single instruction set fuses here")
@pytest.mark.parametrize("shape", SHAPES)
def test_instruction_sets_that_fuse_give_the_same_bits(shape: tuple[int, int]) -> None:
    """Of states and paces."""
    descent, start = problem(5, *shape)
    found = [settled(solver_of(name, descent.steps), descent, start, 3.0) for name in FUSING]
    assert None not in found
    assert len({b"".join(array.tobytes() for array in each or ()) for each in found}) == 1


@compiled
def test_what_does_not_settle_is_nothing(name: str) -> None:
    """Where steps are far from stable, and where a state is not finite."""
    descent, start = problem(3, 3, 7)
    linearisation, over = descent.modes(start).linearisation, StepSums.over(40.0)
    for factor, bad in ((400.0, 0.0), (1.0, np.nan)):
        sizes = PairSizes(rate=factor * descent.rate, r=R)
        foreseen = np.broadcast_to(start, (3, *start.shape)) + bad
        for solver in (descent.steps, solver_of(name, descent.steps)):
            with np.errstate(all="ignore"):
                found = solver.settled(start, foreseen, sizes, over.sums_to(over.nodes), linearisation)
            assert found is None
