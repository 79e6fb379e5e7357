"""What a run will cost: its steps, the seconds they take, and the bytes that are kept of it.

Nothing depends on a prediction but how runs are packed, how far an experiment says it is, and what an estimate answers.
Everything here is vectorised over runs and costs nothing beside a single step of them.

Steps were fitted to 8,800 runs of 870 problems (N from 2 to 60, d to 220, drawn and given data, 1 to 10 entries of β*,
D = 2, 3, 4). With f = η/η*, warm-up W, scale α at most 1, r = min(N/d, d/N), momentum m, and λ = min λ_max:

* The slowest mode takes X = .58·1.43^(D−2)·(λ/(D²σ²))^.6·N·(1 − √r)^−1.3·α^(1.07 − .78·D)/(f(1 − f)) steps: it moves by
  small parameters, those of the entries of β* that are 0, and (1 − √r)² is the least eigenvalue of XXᵀ over their mean.
  Momentum makes it ((1 + m)/(1 − m))^.35 times as fast, minibatches 2.5 times as slow.
* A run comes to a tolerance of 10⁻¹⁰ in W/2 + 1.75·X steps, and not before warm-up and noise are over. Its limit is
  known after W/2 + X, at 1050 at least; with minibatches not before the tolerance.
* Plain descent at D = 2 is completed by strides once they are tried, wherever it is then: runs that stay smooth within
  a warm-up that is long enough, others after it, and not while they still move violently at the edge, for
  800·f³/(1 − f) steps. What the flow leads to from α is stable where f·(1 + 1.7·α) ≤ 1.
* From η* on a run is found to oscillate four windows or five after its warm-up.
* With p = f·α^(2D−2)·(d + (1 + √(d/N))²)/(1 − m) > 2.5 a run begins beyond 2/η, with minibatches from half of that on;
  a warm-up of less than 100·p steps does not save it.

A single run may be off by a factor of 3, a batch hardly is by 2.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.descent.native.library import library
from core.descent.optimizers import Optimizer
from core.networks.network import Network
from core.training.loss_checks import FIRST_ATTEMPT, SPACING

Runs = Float64[np.ndarray, " run"]


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelCost:
    """How long one step of one lane takes on one core: so much, and so much per entry of X.

    A step of a batch takes `seconds_per_turn` more, whatever its lanes. One lane by itself costs as much as `lone` of
    many do; a batch should have `fewest` lanes at least.
    """

    seconds_per_step: float
    seconds_per_entry: float
    seconds_per_turn: float
    lone: int
    fewest: int

    def step(self, entries: float) -> float:
        """Seconds of one run's step on N·d `entries`, in company."""
        return self.seconds_per_step + self.seconds_per_entry * entries


COMPILED: Final = KernelCost(seconds_per_step=1.5e-8, seconds_per_entry=9e-11, seconds_per_turn=3e-8, lone=3, fewest=4)
AVX512: Final = replace(COMPILED, seconds_per_entry=5e-11)
NUMPY: Final = KernelCost(seconds_per_step=5e-8, seconds_per_entry=1.5e-10, seconds_per_turn=1.2e-5, lone=16, fewest=16)
"""Measured for d from 4 to 1000 on two cores of an AMD EPYC with AVX-512, which others used as well, as all below."""


def kernel_cost(kernel: str, optimizer: Optimizer) -> KernelCost:
    """The costs of a kernel by its name; of any instruction set but AVX-512, those of AVX2.

    NumPy's, too, where the compiled one has not the optimiser's step, and where `auto` finds none compiled here.
    """
    if kernel == "auto":
        found = library()
        kernel = "numpy" if found is None else next(iter(found.kernels))
    cost = AVX512 if kernel == "avx512" else COMPILED
    if kernel == "numpy" or not optimizer.is_native:
        cost = NUMPY
    gradients = optimizer.gradients_per_step
    return replace(
        cost,
        seconds_per_step=gradients * cost.seconds_per_step,
        seconds_per_entry=gradients * cost.seconds_per_entry,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CostInputs:
    """What the length of runs depends on, an entry for each run.

    `fraction` is η over the largest stable step, NaN where that is not known; `relative_limit` is that step
    in units of the one of gradient descent. `settled_from` is when warm-up and noise are over. `completes`: runs may
    end as soon as their limits are known, which is tried with strides after `strides_from` steps, ∞ where it is not.
    `draws_batches`: every step is that of some of the samples. `anisotropy` is that of
    `core.planning.problem_facts.ProblemFacts`.
    """

    samples: int
    dimension: int
    anisotropy: float

    init_scale: Runs
    fraction: Runs
    warmup_steps: Runs
    settled_from: Runs
    momentum: Runs
    relative_limit: Runs
    degree: int
    loss_tolerance: float
    max_steps: int
    completes: bool
    draws_batches: bool
    strides_from: Runs


OSCILLATION: Final = 40_000
"""Steps after the warm-up in which a run is found to oscillate."""


FIRST_LIMIT: Final = 1050
"""Steps that a run takes at least until its limit is known."""

TOLERANCE: Final = 0.175
"""Steps to a decade of loss, in units of `_relaxation`."""


def predicted_steps(inputs: CostInputs) -> Runs:
    """A rough count of the steps of every run: never for a limit on one."""
    fraction, settled = inputs.fraction, inputs.settled_from
    # Step sizes may be of any size: what overflows is too large.
    with np.errstate(invalid="ignore", over="ignore"):
        below = np.clip(fraction, 1e-12, 1 - 1e-6)
        relaxation, decades = _relaxation(inputs, below), -math.log10(inputs.loss_tolerance)
        slowest = decades * math.log(10) / -np.log(np.maximum(inputs.momentum, 1e-300))  # the loss decays like m^t
        descent = inputs.warmup_steps / 2 + np.maximum(TOLERANCE * decades * relaxation, slowest)
        steps = np.maximum(settled, 64 + descent)
        if inputs.completes and not inputs.draws_batches:
            known = np.maximum(FIRST_LIMIT, inputs.warmup_steps / 2 + relaxation)
            steps = np.fmin(steps, np.maximum(settled, known))
        steps = np.fmin(steps, _strides_from(inputs, below) + _violence(below))
        steps = np.where(fraction < 1, steps, cycling_steps(inputs))
        steps = np.where(_blows_up(inputs), inputs.warmup_steps / 500 + 64, steps)
    # Where no step size is stable there is nothing to converge to.
    return np.fmin(np.where(np.isnan(fraction), np.inf, steps), float(inputs.max_steps))


def cycling_steps(inputs: CostInputs) -> Runs:
    """Those after which a run that cycles is known to."""
    return np.asarray(np.fmin(inputs.settled_from + OSCILLATION, float(inputs.max_steps)))


def _strides_from(inputs: CostInputs, fraction: Runs) -> Runs:
    """When strides first succeed: within a warm-up, if they cost less than what is left of it, of smooth runs alone."""
    worth, warmup = inputs.strides_from, inputs.warmup_steps
    early = _is_smooth(inputs, fraction) & (warmup >= 2 * worth)
    return np.where(early, worth, np.maximum(warmup, worth))


def _is_smooth(inputs: CostInputs, fraction: Runs) -> Bool[np.ndarray, " run"]:
    """What the flow leads to from α is stable."""
    return np.asarray(fraction * (1 + 1.7 * inputs.init_scale) <= 1)


def _relaxation(inputs: CostInputs, fraction: Runs) -> Runs:
    """X: the steps until the limit is known, of the slowest mode."""
    samples, dimension, deeper = inputs.samples, inputs.dimension, inputs.degree - 2
    aspect = min(samples / dimension, dimension / samples, 0.81)  # of a square X the least eigenvalue is not 0 either
    size = 0.58 * inputs.anisotropy**0.6 * samples * (1 - math.sqrt(aspect)) ** -1.3
    # No budget is as long as the scale is small: the powers are not to overflow.
    small = np.maximum(np.minimum(inputs.init_scale, 1.0) ** (0.49 + 0.78 * deeper), 1e-30)
    slow = (2.5 if inputs.draws_batches else 1.0) * 1.43 ** min(deeper, 100) / small
    quickening = (inputs.relative_limit / (1 - inputs.momentum)) ** 0.35
    return np.asarray(size * slow / (fraction * (1 - fraction) * quickening))


def _violence(fraction: Runs) -> Runs:
    """Steps at the edge of stability before the run is smooth enough for strides."""
    return np.asarray(800 * fraction**3 / (1 - fraction))


def _blows_up(inputs: CostInputs) -> Bool[np.ndarray, " run"]:
    """Which runs begin too sharp for their step size and warm-up."""
    # Beyond 100 no warm-up is long enough, and the power is not to overflow.
    sharpness = np.minimum(inputs.init_scale, 100.0) ** (2.0 * inputs.degree - 2)
    moment = inputs.dimension + (1 + math.sqrt(inputs.dimension / inputs.samples)) ** 2
    pull = inputs.fraction * sharpness * moment / (1 - inputs.momentum)
    return np.asarray((pull > (1.25 if inputs.draws_batches else 2.5)) & (inputs.warmup_steps < 100 * pull))


SECONDS_PER_RECORD: Final = 3e-6
SECONDS_PER_RECORD_ENTRY: Final = 1.4e-9
"""Most of it is the sharpness, of many states at a time."""

SECONDS_PER_RUN: Final = 1.1e-3
SECONDS_PER_RUN_ENTRY: Final = 1.5e-7
"""To sum a run up."""

SECONDS_PER_TRAINING: Final = 3e-4
"""To begin it, and to see how it ends."""

SECONDS_PER_ATTEMPT: Final = 6e-5
SECONDS_PER_LIMIT: Final = 1.3e-3
SECONDS_PER_LIMIT_ENTRY: Final = 1e-6
WITH_MOMENTUM: Final = 2.0
"""To try to complete a run, each time, and to find and confirm its limit; times `WITH_MOMENTUM` with momentum."""

SECONDS_PER_STRIDES: Final = 2.5e-2
"""To follow a run by strides."""

SECONDS_PER_BATCH: Final = 5e-3
"""To look at its problem, its starts, and to be claimed."""

SECONDS_PER_RETURN: Final = 2e-4
"""To look at a batch whenever the kernel returns, whatever its lanes."""

SECONDS_PER_ANALYSIS: Final = 9.5e-3
SECONDS_PER_ANALYSED_ENTRY: Final = 6.4e-6
DEEP: Final = 1.9
"""The analysis of a problem: so much, and so much per entry of X; times `DEEP` at degree 3 and more."""


SECONDS_PER_DRAW: Final = 1.5e-7
SECONDS_PER_DRAWN_SAMPLE: Final = 8e-9
SECONDS_PER_MINIBATCH: Final = 4e-7
SECONDS_PER_MINIBATCH_SAMPLE: Final = 1e-8
"""What random numbers take at a step with noise, and what a minibatch does."""


def drawing_seconds(noisy_steps: Runs, samples: int, *, batches: bool) -> Runs:
    """What the random numbers of every run cost."""
    each = SECONDS_PER_DRAW + SECONDS_PER_DRAWN_SAMPLE * samples
    if batches:
        each = SECONDS_PER_MINIBATCH + SECONDS_PER_MINIBATCH_SAMPLE * samples
    return np.asarray(noisy_steps * each)


def attempts(steps: Runs, *, completes: bool) -> Runs:
    """How often it is tried to complete a run of so many steps."""
    return np.asarray(np.log(np.maximum(steps / FIRST_ATTEMPT, 1.0)) / math.log(SPACING) if completes else 0 * steps)


def completion_seconds(steps: Runs, inputs: CostInputs) -> Runs:
    """What it takes to find the limits of runs that end after so many steps."""
    if not inputs.completes:
        return np.zeros_like(steps)
    entries = inputs.samples * inputs.dimension
    limit = (SECONDS_PER_LIMIT + SECONDS_PER_LIMIT_ENTRY * entries) * np.where(inputs.momentum > 0, WITH_MOMENTUM, 1.0)
    limit = np.where(steps >= inputs.strides_from, limit + SECONDS_PER_STRIDES, limit)
    found = (steps >= FIRST_ATTEMPT) & (steps < inputs.max_steps)
    return np.asarray(SECONDS_PER_ATTEMPT * attempts(steps, completes=True) + limit * found)


def overhead_seconds(records: Runs, *, entries: float, trainings: Runs) -> Runs:
    """What every run costs beside its steps and its limits."""
    recorded = records * (SECONDS_PER_RECORD + SECONDS_PER_RECORD_ENTRY * entries)
    return np.asarray(SECONDS_PER_RUN + SECONDS_PER_RUN_ENTRY * entries + SECONDS_PER_TRAINING * trainings + recorded)


def analysis_seconds(*, entries: float, degree: int) -> float:
    """What the analysis of a problem takes on one core."""
    return (SECONDS_PER_ANALYSIS + SECONDS_PER_ANALYSED_ENTRY * entries) * (DEEP if degree > 2 else 1.0)


def predicted_records(steps: Runs, *, points: int, max_steps: int) -> Runs:
    """How many records runs of so many steps leave, log-spaced over their budget, and their end."""
    if points <= 1:
        return np.full_like(steps, points)
    passed = np.log(np.maximum(steps, 1.0)) / max(math.log(max_steps), 1.0)
    return np.asarray(np.minimum(2 + (points - 2) * passed, points))


SUMMARY_BYTES: Final = 600
BYTES_PER_RECORD: Final = 12
"""Compressed; a step number and six curves."""


def stored_bytes(records: Runs, *, dimension: int, parts: int, vectors: int = 0) -> Runs:
    """What the store keeps of every run: a summary, θ and the sum of its gradients in float64, curves, and vectors."""
    each = BYTES_PER_RECORD + 8.0 * dimension * vectors
    return np.asarray(SUMMARY_BYTES + 8.0 * dimension * (parts + 1) + each * records)


def guessed_max_stable_step(network: Network, *, mean: float, variance: float, sparsity: int) -> float:
    """η* = 2/min λ_max of a sparse regression that has not been analysed, as if its flattest interpolator were β*.

    There λ_max is between μ²·Σ_i c_i and (μ² + σ²)·Σ_i c_i up to fluctuations, with the least tangent weights c_i of
    the k entries 1/√k (lemma D.2 of the paper at D = 2). 0.7·σ²/k in place of σ² is within 1.7 on the presets' data.
    """
    tangent_weights = sparsity * float(network.least_tangent_weights(np.array([sparsity**-0.5]))[0])
    return 2 / (tangent_weights * (mean**2 + 0.7 * variance / sparsity))
