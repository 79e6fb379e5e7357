"""Strides by the compiled kernel, against NumPy's and against themselves."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.completion.completion import Completer, Completion, NotCompletable
from core.completion.stages import LIMITS
from core.completion.stride import NumpyStrides, StrideSolver
from core.completion.summation import stretch
from core.completion.warm_up import WarmUp
from core.data.regression import Dataset
from core.data.row_space import interpolator_set
from core.descent.kernel import NUMPY, kernel_names, native_strides
from core.implicit_bias.log_steps import Stride, Way
from core.networks.network import UV, Diagonal, Network
from tests.core.problems import paper_problem, small_problem

COMPILED = [name for name in kernel_names() if name != NUMPY]
FUSING = [name for name in COMPILED if name != "baseline"]
compiled = pytest.mark.parametrize("name", COMPILED or [pytest.param("", marks=pytest.mark.skip("none is compiled"))])

SHAPES = [(1, 1), (1, 6), (2, 2), (3, 7), (5, 5), (6, 13), (8, 9), (9, 40), (50, 100)]
RAMPS = [(1.0, 0.0), (0.3, 0.002)]
ROUNDING = 1e-11
"""What may differ by rounding: of p, and of z in parts of the largest."""


@dataclass(frozen=True)
class Case:
    """Descent from a random state at a part of the step size that is stable there, to about a random limit."""

    strides: NumpyStrides
    way: Way

    @classmethod
    def of(cls, data: Dataset, logs: np.ndarray, *, part: float = 0.01, ramp: tuple[float, float] = RAMPS[0]) -> "Case":
        """On data."""
        strides = NumpyStrides.of(interpolator_set(data.X, data.y))
        limit = np.stack([np.ones(logs.shape[1]), np.full(logs.shape[1], 2.0)])
        way = Way(logs=logs, rate=1.0, level=ramp[0], slope=ramp[1], limit=limit)
        largest = np.linalg.eigvalsh(strides.gram(1.0, np.exp(2 * logs)))[-1]
        return cls(strides, replace(way, rate=2 * part / largest))

    def solver(self, name: str) -> StrideSolver:
        """The one of a compiled kernel."""
        native = native_strides(name)
        assert native is not None
        return native(self.strides.root, self.strides.target, limits=LIMITS)

    def two(self, solver: StrideSolver, pairs: float) -> tuple[Stride | None, Stride | None]:
        """A stride, and one that is longer by a quarter from where it ends."""
        over, then = stretch(pairs), stretch(1.25 * pairs)
        with np.errstate(all="ignore"):
            first = solver.stride(self.way, over, None)
            if first is None:
                return None, None
            level = self.way.level + self.way.slope * pairs
            return first, solver.stride(replace(self.way, logs=first.end, level=level), then, (over, first.pace))


def problem(seed: int, shape: tuple[int, int]) -> tuple[Dataset, np.ndarray]:
    """Data and ln|u±| of a random state."""
    data = paper_problem() if shape == (50, 100) else small_problem(seed, samples=shape[0], dimension=shape[1])
    return data, np.log(np.random.default_rng(seed).uniform(0.05, 1.0, (2, shape[1])))


def same(found: Stride | None, expected: Stride | None, way: Way) -> None:
    """To what rounding makes of it."""
    assert (found is None) == (expected is None)
    if found is None or expected is None:
        return
    np.testing.assert_allclose(found.states, expected.states, atol=ROUNDING)
    np.testing.assert_allclose(found.pace, expected.pace, rtol=1e-9, atol=1e-14)
    scale = np.abs(expected.modes.z).max()
    np.testing.assert_allclose(found.modes.z, expected.modes.z, atol=ROUNDING * scale)
    assert found.least == pytest.approx(expected.least, rel=1e-9)
    assert found.step == pytest.approx(expected.step, rel=1e-9)
    rounded = 1e-12 * float(way.limit.sum()) * (1 + np.abs(expected.states).max())
    np.testing.assert_allclose(found.moved, expected.moved, rtol=1e-6, atol=rounded)
    assert found.distance == pytest.approx(np.linalg.norm(found.moved), rel=1e-12)
    assert found.distance == pytest.approx(expected.distance, rel=1e-6, abs=rounded)
    assert found.along == pytest.approx(expected.along, rel=1e-6, abs=rounded)


@compiled
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    shape=st.sampled_from(SHAPES),
    pairs=st.sampled_from([3.0, 11.5, 40.0, 300.0]),
    ramp=st.sampled_from(RAMPS),
    part=st.sampled_from([0.003, 0.1, 0.9, 1.1]),
)
def test_a_stride_is_that_of_numpy(  # noqa: PLR0917 - what a stride depends on
    name: str, seed: int, shape: tuple[int, int], pairs: float, ramp: tuple[float, float], part: float
) -> None:
    """And so is one that goes on from it; where there is none, there is none."""
    case = Case.of(*problem(seed, shape), part=part, ramp=ramp)
    found, expected = case.two(case.solver(name), pairs), case.two(case.strides, pairs)
    for each, other in zip(found, expected, strict=True):
        same(each, other, case.way)


@compiled
@pytest.mark.parametrize("shape", SHAPES)
def test_its_states_are_the_sums_of_their_paces(name: str, shape: tuple[int, int]) -> None:
    """And the paces are those of the states, whoever computes them."""
    case, over = Case.of(*problem(5, shape)), stretch(11.5)
    found = case.solver(name).stride(case.way, over, None)
    assert found is not None
    summed = case.way.logs + np.einsum("jl,l...->j...", over.to_nodes, found.pace)
    np.testing.assert_allclose(summed, found.states, atol=10 * LIMITS.solved)
    pace = case.strides.pace(case.way, found.states, over.sums.steps * over.sums.nodes)
    np.testing.assert_allclose(found.pace, pace, rtol=1e-10, atol=1e-14)


def ill_conditioned() -> dict[str, tuple[Dataset, np.ndarray]]:
    """States and data that rounding makes hard: their names say how."""
    generator = np.random.default_rng(0)
    turned = np.linalg.qr(generator.standard_normal((12, 12)))[0]
    spread = (turned[:6] * np.geomspace(1, 1e-7, 6)[:, None]) @ np.linalg.qr(generator.standard_normal((12, 12)))[0]
    wide = generator.standard_normal((4, 300))
    holed = generator.standard_normal((4, 9))
    holed[:, [0, 5]] = 0.0
    even = np.full((2, 12), np.log(0.3))
    y = generator.standard_normal(6)
    return {
        "singular values from 1 to 1e-7": (Dataset(X=spread, y=spread @ generator.standard_normal(12)), even),
        "one eigenvalue six times": (Dataset(X=turned[:6], y=y), even),
        "a Gram matrix that is diagonal": (Dataset(X=np.eye(6, 12), y=y), even),
        "two eigenvalues, each three times": (Dataset(X=np.diag([1.0, 1, 1, 2, 2, 2]), y=y), even[:, :6]),
        "equal samples": (Dataset(X=turned[[0, 0, 1, 1]], y=y[[0, 0, 1, 1]]), even),
        "coordinates that no sample has": (Dataset(X=holed, y=y[:4]), even[:, :9]),
        "many dimensions": (Dataset(X=wide, y=y[:4]), np.full((2, 300), -2.0)),
        "weights from 1 to 1e-26": (
            Dataset(X=generator.standard_normal((6, 12)), y=y),
            np.stack([np.linspace(-30, 0, 12), np.linspace(0, -30, 12)]),
        ),
        "a part that is nearly zero": (
            Dataset(X=generator.standard_normal((6, 12)), y=y),
            np.stack([even[0], np.full(12, -300.0)]),
        ),
    }


@compiled
@pytest.mark.parametrize("ramp", RAMPS)
@pytest.mark.parametrize("hard", list(ill_conditioned()))
def test_hard_problems_make_no_difference(name: str, hard: str, ramp: tuple[float, float]) -> None:
    """Neither to whether there is a stride nor to what it is."""
    case = Case.of(*ill_conditioned()[hard], part=0.002, ramp=ramp)
    found, expected = case.two(case.solver(name), 20.0), case.two(case.strides, 20.0)
    assert found[1] is not None
    for each, other in zip(found, expected, strict=True):
        same(each, other, case.way)


@pytest.mark.skipif(len(FUSING) < 2, reason="a single instruction set fuses here")
@pytest.mark.parametrize("shape", SHAPES)
def test_instruction_sets_that_fuse_give_the_same_bits(shape: tuple[int, int]) -> None:
    """Of everything that is said of a stride."""
    case = Case.of(*problem(5, shape), ramp=RAMPS[1])
    strides = [case.two(case.solver(name), 11.5) for name in FUSING]
    assert len({b"".join(bits(each) for each in both) for both in strides}) == 1


def bits(stride: Stride | None) -> bytes:
    """All of them."""
    assert stride is not None
    arrays = (stride.states, stride.pace, stride.moved, stride.modes.diagonal, stride.modes.below)
    numbers = np.array([stride.distance, stride.along, stride.least, stride.step])
    return b"".join(array.tobytes() for array in (*arrays, numbers))


@compiled
def test_a_stride_depends_on_what_is_asked_alone(name: str) -> None:
    """To the bit, whatever was asked before, even in vain."""
    case = Case.of(*problem(3, (6, 13)))
    solver, over = case.solver(name), stretch(11.5)
    fresh = solver.stride(case.way, over, None)
    assert solver.stride(replace(case.way, rate=200 * case.way.rate), stretch(500.0), None) is None
    assert solver.stride(replace(case.way, logs=case.way.logs + np.nan), over, None) is None
    case.two(solver, 40.0)
    assert bits(solver.stride(case.way, over, None)) == bits(fresh)


@compiled
@pytest.mark.parametrize("factor", [3.0, 60.0, 400.0, 1e5, np.inf, np.nan])
def test_where_steps_are_not_stable_there_is_no_stride(name: str, factor: float) -> None:
    """Nor where one leads beyond 0, or is none at all."""
    case = Case.of(*problem(3, (3, 7)), part=0.5)
    way = replace(case.way, rate=factor * case.way.rate)
    with np.errstate(all="ignore"):
        assert case.strides.stride(way, stretch(40.0), None) is None
    assert case.solver(name).stride(way, stretch(40.0), None) is None


@compiled
@pytest.mark.parametrize("bad", [np.nan, np.inf, 400.0])
def test_a_state_out_of_range_has_no_stride(name: str, bad: float) -> None:
    """One coordinate of one part of it is enough."""
    case = Case.of(*problem(3, (3, 7)))
    logs = case.way.logs.copy()
    logs[1, 4] = bad
    with np.errstate(all="ignore"):
        assert case.strides.stride(replace(case.way, logs=logs), stretch(40.0), None) is None
    assert case.solver(name).stride(replace(case.way, logs=logs), stretch(40.0), None) is None


@compiled
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    shape=st.sampled_from([(1, 4), (3, 7), (5, 5), (9, 40)]),
    scale=st.sampled_from([0.01, 0.2, 1.0]),
    part=st.sampled_from([0.02, 0.4, 0.9]),
    network=st.sampled_from([Diagonal(2), UV()]),
    warm_up=st.sampled_from([WarmUp(), WarmUp(taken=30, steps=3000)]),
)
def test_the_limit_is_that_of_numpy(  # noqa: PLR0917 - what a run depends on
    name: str, seed: int, shape: tuple[int, int], scale: float, part: float, network: Network, warm_up: WarmUp
) -> None:
    """Within the errors that both state; refusals are the same, unless rounding decides whether a limit is reached."""
    data, native = small_problem(seed, samples=shape[0], dimension=shape[1]), native_strides(name)
    assert native is not None
    theta = scale * np.random.default_rng(seed).uniform(0.5, 1.0, (len(network.parts), shape[1]))
    reference = Completer(data, network)
    compiled_one = Completer(data, network, lambda root, target: native(root, target, limits=LIMITS))
    sharpness = 4 * np.square(data.X).sum() / len(data.y) * scale**2 + 4 * np.abs(data.y).max()
    step_size = float(2 * part / sharpness)
    found, expected = (
        each.complete_ahead(theta, step_size=step_size, tolerance=1e-6, warm_up=warm_up)
        for each in (compiled_one, reference)
    )
    assume(NotCompletable.UNRESOLVED not in {found, expected})
    assert type(found) is type(expected)
    if isinstance(found, Completion) and isinstance(expected, Completion):
        apart = np.linalg.norm(found.predictor - expected.predictor)
        assert apart <= (found.estimate + expected.estimate) * np.linalg.norm(expected.predictor)
    if isinstance(found, NotCompletable):
        assert found is expected
