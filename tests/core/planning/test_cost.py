"""What runs are predicted to cost."""

from ctypes import CDLL
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.problem import analyse_problem
from core.data.regression import sparse_regression
from core.descent.ascent import AscentAlong
from core.descent.native.library import Library
from core.descent.optimizers import FullBatch, SharpnessAware
from core.networks.network import UV, Diagonal, Network
from core.planning.cost import (
    AVX512,
    COMPILED,
    NUMPY,
    CostInputs,
    blown_up_after,
    completion_seconds,
    guessed_max_stable_step,
    kernel_cost,
    moment_seconds,
    predicted_records,
    predicted_steps,
    stored_bytes,
)
from core.planning.problem_facts import ProblemFacts
from core.planning.run_table import RunTable
from core.record_plan import record_steps
from tests.core.specs import grid_of

BOOLS = (False, True)
FRACTIONS = st.floats(1e-4, 1.5)
SCALES = st.floats(1e-6, 3.0)
WARMUPS = st.integers(0, 200_000)


def inputs(
    *,
    scale: float = 0.1,
    fraction: float = 0.5,
    warmup: int = 0,
    degree: int = 2,
    completes: bool = True,
    strides_from: float = np.inf,
) -> CostInputs:
    """One run with a budget of 10⁷ steps."""
    return CostInputs(
        init_scale=np.array([scale]),
        fraction=np.array([fraction]),
        warmup_steps=np.array([float(warmup)]),
        settled_from=np.array([float(warmup)]),
        momentum=np.zeros(1),
        relative_limit=np.ones(1),
        samples=50,
        dimension=100,
        anisotropy=5.0,
        degree=degree,
        loss_tolerance=1e-8,
        max_steps=10**7,
        completes=completes,
        draws_batches=False,
        strides_from=np.array([strides_from]),
    )


def steps(**parts: float) -> float:
    """The prediction for one run."""
    return float(predicted_steps(inputs(**parts))[0])  # type: ignore[arg-type]  # whole numbers among them


def test_a_normalised_ascent_takes_the_whole_budget_and_others_take_longer() -> None:
    """It never comes to rest; others move slow modes by smaller steps, and large ones lead away at the start."""
    plain = replace(inputs(completes=False), ascent=0.0)
    assert predicted_steps(replace(plain, keeps_ascent=True)) == 10**7
    assert predicted_steps(replace(plain, ascent=1.0)) > 2 * predicted_steps(plain)
    assert predicted_steps(replace(inputs(scale=0.5), ascent=1.0)) == 64
    assert predicted_steps(inputs(scale=0.1)) > 64


def test_momentum_that_looks_ahead_is_faster_than_the_heavy_ball_and_starts_from_larger_scales() -> None:
    """At the same m."""
    ball = replace(
        inputs(scale=0.02, completes=False, fraction=0.3), momentum=np.array([0.9]), relative_limit=np.array([1.9])
    )
    ahead = replace(ball, relative_limit=np.array([1.9 / 2.8]), looks_ahead=True)
    assert predicted_steps(ahead) < predicted_steps(ball)
    large = np.array([0.1])
    assert predicted_steps(replace(ball, init_scale=large)) == 64 < predicted_steps(replace(ahead, init_scale=large))


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_small_minibatches_blow_up_where_larger_ones_do_not(degree: int) -> None:
    """Once they have left the saddle, which is the later, the deeper the network; with momentum at smaller steps."""
    drawn = replace(inputs(scale=0.02, fraction=0.8, degree=degree, completes=False), draws_batches=True)
    single, shallow = replace(drawn, dispersion=1.0), replace(drawn, dispersion=1.0, degree=2)
    assert predicted_steps(shallow) <= predicted_steps(single) < predicted_steps(drawn)
    assert predicted_steps(replace(drawn, dispersion=0.05)) == predicted_steps(drawn)
    gentle = replace(single, fraction=np.array([0.4]))
    assert np.isinf(blown_up_after(gentle))
    assert np.isfinite(blown_up_after(replace(gentle, momentum=np.array([0.5]))))


def test_what_blows_up_is_not_waited_for() -> None:
    """Whatever its schedule and its decay."""
    data = {"samples": 50, "dimension": 100, "network": Diagonal(2), "max_stable_step": 0.008}
    for more in ({}, {"weight_decay": 0.01}, {"schedule": "cosine", "schedule_steps": 9000, "schedule_factor": 0.1}):
        grid = grid_of(optimizer={"step_size": 0.007} | more, initialization={"scale": 1.0})
        assert RunTable.at(grid, [0]).forecast(ProblemFacts(**data)).costs.steps < 200


def test_a_run_that_is_over_before_its_schedule_ends_with_it() -> None:
    """Smaller steps at its end do not begin anew."""
    cosine = {"schedule": "cosine", "schedule_steps": 50_000, "schedule_factor": 0.001, "step_size": 0.004}
    grid = grid_of(optimizer=cosine, recording={"sensitivity": False}, stopping={"finish": "iterate"})
    facts = ProblemFacts(samples=50, dimension=100, network=Diagonal(2), max_stable_step=0.008)
    assert RunTable.at(grid, [0]).forecast(facts).costs.steps == 50_000


def test_the_threshold_in_the_mean_square_is_counted_of_minibatches_that_are_drawn_anew() -> None:
    """Three powers of N, and nothing of epochs, which have none."""

    def overhead(sampling: str, samples: int = 50) -> float:
        drawn = {"kind": "sgd", "batch_size": 5, "step_size": 0.001, "sampling": sampling}
        grid = grid_of(data={"samples": samples}, optimizer=drawn, stopping={"steps": 64})
        facts = ProblemFacts(samples=samples, dimension=100, network=Diagonal(2), max_stable_step=0.008)
        return float(RunTable.at(grid, [0]).forecast(facts).costs.overhead[0])

    anew, epochs = overhead("without_replacement"), overhead("epochs")
    assert anew - epochs == pytest.approx(float(moment_seconds(50, np.zeros(1))[0]))
    assert overhead("without_replacement", 1000) > 100 * anew


@given(fraction=FRACTIONS, scale=SCALES, warmup=WARMUPS, degree=st.integers(2, 64), budget=st.integers(1, 10**9))
def test_predictions_are_finite_and_within_the_budget(
    fraction: float, scale: float, warmup: int, degree: int, budget: int
) -> None:
    """And grow with it, whatever the run."""
    one = inputs(fraction=fraction, scale=scale, warmup=warmup, degree=degree)
    (least,), (most,) = (predicted_steps(replace(one, max_steps=budget * factor)) for factor in (1, 3))
    assert 0 < least <= budget
    assert least <= most


@given(scale=SCALES, warmup=WARMUPS, degree=st.integers(2, 6), smaller=st.floats(0.1, 1))
def test_small_scales_take_longer(scale: float, warmup: int, degree: int, smaller: float) -> None:
    """The saddle holds them, where they are not so small as to be sparse at once, and large scales do not blow up."""
    scale = min(scale, 0.1)
    near = {"fraction": 0.3, "warmup": warmup, "degree": degree}
    assert steps(scale=smaller * scale, **near) >= steps(scale=scale, **near)


def test_predictions_grow_towards_both_ends_of_the_step_size() -> None:
    """Small steps take long, the edge takes long."""
    assert steps(scale=0.001, fraction=0.01) > steps(scale=0.001, fraction=0.1) > steps(scale=0.001, fraction=0.5)
    assert steps(fraction=0.999) > steps(fraction=0.97) > steps(fraction=0.5)
    assert steps(fraction=1.1) < 10**5


def test_iterating_takes_longer_than_completing() -> None:
    """To ten digits of the loss, where five tell the limit."""
    assert steps(fraction=0.05, completes=False) > 1.3 * steps(fraction=0.05)


def test_what_is_nearly_square_or_far_from_isotropic_takes_longer() -> None:
    """The least eigenvalue of XXᵀ decides, of samples and of coordinates alike, beside the sharpness."""
    (square, wide, tall, sharp) = (
        float(predicted_steps(replace(inputs(fraction=0.3), **changes))[0])
        for changes in (
            {"dimension": 60},
            {"dimension": 5000},
            {"samples": 5000},
            {"dimension": 60, "anisotropy": 50.0},
        )
    )
    assert sharp > square > wide
    assert square < tall


def test_minibatches_take_longer_and_end_by_their_tolerance() -> None:
    """Their limit is not known before."""
    plain, drawn = (replace(inputs(scale=0.02, completes=False), draws_batches=batches) for batches in (False, True))
    assert predicted_steps(drawn)[0] > 2 * predicted_steps(plain)[0]
    assert predicted_steps(replace(drawn, completes=True))[0] == predicted_steps(drawn)[0]


def test_limits_cost_what_they_are_tried_and_found() -> None:
    """Nothing where they are not looked for, little where none is found, more with momentum and by strides."""
    long, spent = np.array([5e4]), np.array([1e7])
    assert not completion_seconds(long, inputs(completes=False)).any()
    (plain,), (rolling,), (strided,), (tried,) = (
        completion_seconds(steps, replace(inputs(), **changes)).tolist()
        for steps, changes in (
            (long, {}),
            (long, {"momentum": np.array([0.9])}),
            (long, {"strides_from": np.array([2e4])}),
            (spent, {}),
        )
    )
    assert tried < plain < rolling < strided


@given(scale=st.floats(1e-6, 0.1), fraction=st.floats(1e-3, 0.85))
def test_strides_end_runs_once_their_warm_up_is_over(scale: float, fraction: float) -> None:
    """However small scale and steps are, and before others end."""
    predicted = steps(scale=scale, fraction=fraction, warmup=50_000, strides_from=50_000)
    assert 50_000 <= predicted <= 60_000
    assert predicted <= steps(scale=scale, fraction=fraction, warmup=50_000)


@given(scale=st.floats(1e-6, 0.1), fraction=st.floats(1e-3, 0.85))
def test_smooth_runs_end_within_a_long_warm_up(scale: float, fraction: float) -> None:
    """Once strides are worth their while; at the edge they do not, nor where the warm-up is short."""
    early = {"strides_from": 20_000.0, "scale": scale}
    assert 20_000 <= steps(fraction=fraction, warmup=50_000, **early) <= 25_000
    assert steps(fraction=fraction, warmup=39_000, **early) >= 39_000
    assert steps(fraction=0.99, warmup=50_000, strides_from=20_000.0, scale=1.0) >= 50_000


def test_what_cannot_converge_takes_the_whole_budget() -> None:
    """Where no step size is stable there is no interpolator."""
    assert steps(fraction=np.nan) == 10**7


@given(points=st.integers(0, 400), length=st.floats(1, 1e7))
def test_records_are_counted_as_they_are_made(points: int, length: float) -> None:
    """Within a tenth and two, rounding of the first steps to whole numbers aside."""
    schedule = record_steps(points, 10**7)
    made = np.count_nonzero(schedule <= length) + (points > 0 and not np.isin(np.floor(length), schedule))
    (predicted,) = predicted_records(np.array([length]), points=points, max_steps=10**7)
    assert made <= predicted * 1.1 + 2
    assert predicted <= points
    assert stored_bytes(np.array([predicted]), dimension=10, parts=2)[0] > 0


def test_costs_of_kernels_go_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` and instruction sets are the compiled kernel, where there is one that has the step; else NumPy."""
    monkeypatch.setattr("core.planning.cost.library", lambda: None)
    assert kernel_cost("auto", FullBatch()) == NUMPY
    assert kernel_cost("numpy", FullBatch()) == NUMPY
    for best, cost in (("avx512", AVX512), ("avx2", COMPILED), ("neon", COMPILED)):
        monkeypatch.setattr(
            "core.planning.cost.library", lambda best=best: Library(CDLL(None), {best: 0, "baseline": 1})
        )
        assert kernel_cost("auto", FullBatch()) == kernel_cost(best, FullBatch()) == cost
    assert kernel_cost("avx2", SharpnessAware(rho=0.1)).step(5000) == 2 * COMPILED.step(5000)
    one_sam = kernel_cost("avx2", SharpnessAware(rho=0.1, ascent_along=AscentAlong.SAMPLE))
    assert one_sam.step(5000, 4) > 2 * one_sam.step(5000, 3) > 2.5 * one_sam.step(5000, 2)
    assert COMPILED.step(5000, 3) == COMPILED.step(5000)
    sams = [SharpnessAware(rho=0.1, ascent_along=along, normalized=known) for along in AscentAlong for known in BOOLS]
    costs = [kernel_cost("numpy", sam) for sam in sams]
    assert [cost.step(5000) for cost in costs] == sorted(cost.step(5000) for cost in costs)
    assert costs[0].step(5000) > 2 * NUMPY.step(5000)
    assert NUMPY.step(5000) > COMPILED.step(5000) > AVX512.step(5000)
    monkeypatch.setattr(FullBatch, "is_native", False)
    assert kernel_cost("avx2", FullBatch()) == NUMPY


@pytest.mark.parametrize("network", [Diagonal(depth=2), Diagonal(depth=3), UV()])
@pytest.mark.parametrize("mean", [0.0, 5.0, 10.0])
def test_the_guess_of_the_largest_stable_step_is_within_a_factor_of_two(network: Network, mean: float) -> None:
    """Of what the analysis finds, on the data of the presets."""
    data = {"samples": 50, "dimension": 100, "sparsity": 5, "mean": mean, "variance": 5.0, "noise_variance": 0.01}
    found = analyse_problem(sparse_regression(**data, seed=0), network, "a key").analysis.max_stable_step
    assert found is not None
    guess = guessed_max_stable_step(network, mean=mean, variance=5.0, sparsity=5)
    assert found / 2 < guess < 2 * found


def test_vectors_are_counted_in_what_is_stored() -> None:
    """Eight bytes for each coordinate of each of them at each record."""
    plain, more = (stored_bytes(np.array([100.0]), dimension=10, parts=2, vectors=count)[0] for count in (0, 3))
    assert more - plain == 8 * 10 * 100 * 3
