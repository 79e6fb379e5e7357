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

Those of other optimisers were fitted to 6,000 runs of 10 problems of each kind:

* Nesterov's momentum, and that of minibatches, make the slowest mode ((2 + 2m)/(2 + 4m)/(1 − m))^.85 and
  ((1 + m)/(1 − m))^.85 times as fast; SAM makes it (1 + ρλ)^1.5 times as slow, 8 at most, λ the least sharpness.
* SAM begins beyond its limit where p·(1 + ρλs)/(1 + ρλ) > 2.5 or ρλs > 5, s = α^(2D−2)·(d + (1 + √(d/N))²), the other
  momentum where p·(1 − m)^.55 > 2.5. A normalised ascent never lets a run come to rest.
* Minibatches of dispersion q blow up where f·(1 + 1.3·q·(1 + m)/(1 − m)) > 1.55, once they have left the saddle.

A single run may be off by a factor of 3, a batch hardly is by 2.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.descent.ascent import Ascent, AscentAlong
from core.descent.native.library import library
from core.descent.optimizers import Optimizer
from core.networks.network import Network
from core.training.loss_checks import FIRST_ATTEMPT, SPACING

Runs = Float64[np.ndarray, " run"]


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelCost:
    """How long one step of one lane takes on one core: so much, and so much per entry of X.

    A step of a batch takes `seconds_per_turn` more, whatever its lanes. One lane by itself costs as much as `lone` of
    many do; a batch should have `fewest` lanes at least. At degree 3 an entry takes `cubic` times as long, at more
    `deep`.
    """

    seconds_per_step: float
    seconds_per_entry: float
    seconds_per_turn: float
    lone: int
    fewest: int
    cubic: float = 1.0
    deep: float = 1.0

    def step(self, entries: float, degree: int = 2) -> float:
        """Seconds of one run's step on N·d `entries`, in company."""
        times = 1.0 if degree <= 2 else self.cubic if degree == 3 else self.deep
        return self.seconds_per_step + self.seconds_per_entry * times * entries


COMPILED: Final = KernelCost(seconds_per_step=1.5e-8, seconds_per_entry=9e-11, seconds_per_turn=3e-8, lone=3, fewest=4)
AVX512: Final = replace(COMPILED, seconds_per_entry=5e-11)
NUMPY: Final = KernelCost(seconds_per_step=5e-8, seconds_per_entry=1.5e-10, seconds_per_turn=1.2e-5, lone=16, fewest=16)
"""Measured for d from 4 to 1000 on two cores of an AMD EPYC with AVX-512, which others used as well, as all below."""


NUMPY_ASCENT: Final = replace(NUMPY, seconds_per_step=1.25e-7, seconds_per_entry=3.75e-10, seconds_per_turn=3e-5)
NUMPY_ASCENT_OF_A_LENGTH: Final = replace(NUMPY_ASCENT, seconds_per_step=1.9e-6)
NUMPY_ASCENTS_OF_SAMPLES: Final = KernelCost(
    seconds_per_step=2.3e-5, seconds_per_entry=4.2e-9, seconds_per_turn=2e-6, lone=1, fewest=16
)
"""NumPy's steps of SAM: two gradients, lengths row by row, and 1-SAM lane by lane."""


CUBIC_ASCENTS: Final = 7 / 5
"""1-SAM has five products with powers of X at degree 2, and seven at degree 3."""

DEEP_ASCENTS: Final = 4.0
"""At more it has powers of θ for every entry of X."""


def kernel_cost(kernel: str, optimizer: Optimizer) -> KernelCost:
    """The costs of a kernel by its name; of any instruction set but AVX-512, those of AVX2.

    NumPy's, too, where the compiled one has not the optimiser's step, and where `auto` finds none compiled here.
    """
    if kernel == "auto":
        found = library()
        kernel = "numpy" if found is None else next(iter(found.kernels))
    cost = AVX512 if kernel == "avx512" else COMPILED
    if kernel == "numpy" or not optimizer.is_native:
        return _numpy_cost(optimizer.ascent)
    gradients = optimizer.gradients_per_step
    by_samples = optimizer.ascent is not None and optimizer.ascent.along == AscentAlong.SAMPLE
    return replace(
        cost,
        seconds_per_step=gradients * cost.seconds_per_step,
        seconds_per_entry=gradients * cost.seconds_per_entry,
        cubic=CUBIC_ASCENTS if by_samples else 1.0,
        deep=DEEP_ASCENTS if by_samples else 1.0,
    )


def _numpy_cost(ascent: Ascent | None) -> KernelCost:
    if ascent is None:
        return NUMPY
    if ascent.along == AscentAlong.SAMPLE:
        return NUMPY_ASCENTS_OF_SAMPLES
    return NUMPY_ASCENT_OF_A_LENGTH if ascent.normalized else NUMPY_ASCENT


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CostInputs:
    """What the length of runs depends on, an entry for each run.

    `fraction` is η over the largest stable step, NaN where that is not known; `relative_limit` is that step
    in units of the one of gradient descent. `settled_from` is when warm-up and noise are over. `completes`: runs may
    end as soon as their limits are known, which is tried with strides after `strides_from` steps, ∞ where it is not.
    `draws_batches`: every step is that of some of the samples, with which part q of the variance of a single one's
    gradient is its `dispersion`. `looks_ahead`: momentum is Nesterov's. `ascent` is ρλ of SAM at the least λ_max;
    `keeps_ascent`: its ascents are normalised. `anisotropy` is that of `core.planning.problem_facts.ProblemFacts`.
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
    dispersion: Runs | float = 0.0
    looks_ahead: bool = False
    ascent: Runs | float = 0.0
    keeps_ascent: bool = False


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
        if inputs.degree == 2:
            still = np.maximum(settled, STILL / below)
            steps = np.where(inputs.ascent > 1, np.fmin(steps, still), steps)
        if inputs.keeps_ascent:
            steps = np.full_like(steps, np.inf)
        steps = np.fmin(steps, blown_up_after(inputs))
    # Where no step size is stable there is nothing to converge to.
    return np.fmin(np.where(np.isnan(fraction), np.inf, steps), float(inputs.max_steps))


STILL: Final = 6000
"""Steps in units of 1/f in which SAM with ρλ > 1 leads what it does not need to 0 at degree 2; then it stands still."""

LONGEST_LEAD: Final = 5.0
"""ρλ of SAM where a run starts from which on it overflows, however small its steps."""


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
    power = 0.85 if inputs.looks_ahead or inputs.draws_batches else 0.35
    quickening = (inputs.relative_limit / (1 - inputs.momentum)) ** power / np.minimum(1 + inputs.ascent, 4.0) ** 1.5
    return np.asarray(size * slow / (fraction * (1 - fraction) * quickening))


def _violence(fraction: Runs) -> Runs:
    """Steps at the edge of stability before the run is smooth enough for strides."""
    return np.asarray(800 * fraction**3 / (1 - fraction))


def blown_up_after(inputs: CostInputs) -> Runs:
    """The steps in which runs overflow, at their start or where they are led to; ∞ of those that do not."""
    with np.errstate(invalid="ignore", over="ignore"):
        begins = np.where(_begins_too_sharp(inputs), inputs.warmup_steps / 500 + 64, np.inf)
        if not inputs.draws_batches:
            return np.asarray(begins)
        rolled = (1 + inputs.momentum) / (1 - inputs.momentum)
        is_led = inputs.fraction * (1 + 1.3 * inputs.dispersion * rolled) > 1.55
        scale = np.maximum(np.minimum(inputs.init_scale, 1.0), 1e-30)
        away = 0.4 * scale ** -min(inputs.degree - 2.0, 9.0) / (inputs.fraction * rolled)
        return np.fmin(begins, np.where(is_led, inputs.warmup_steps + 64 + away, np.inf))


def _begins_too_sharp(inputs: CostInputs) -> Bool[np.ndarray, " run"]:
    """Which runs begin too sharp for their step size and warm-up."""
    # Beyond 100 no warm-up is long enough, and the power is not to overflow.
    sharpness = np.minimum(inputs.init_scale, 100.0) ** (2.0 * inputs.degree - 2)
    moment = inputs.dimension + (1 + math.sqrt(inputs.dimension / inputs.samples)) ** 2
    lead = inputs.ascent * sharpness * moment
    pull = inputs.fraction * sharpness * moment / (1 - inputs.momentum) ** (0.45 if inputs.looks_ahead else 1.0)
    pull *= (1 + lead) / (1 + inputs.ascent)
    is_pulled = (pull > (1.25 if inputs.draws_batches else 2.5)) & (inputs.warmup_steps < 100 * pull)
    return np.asarray(is_pulled | (lead > LONGEST_LEAD))


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


SECONDS_PER_MOMENT_SAMPLE: Final = 2e-4
SECONDS_PER_MOMENT_CUBE: Final = 2e-8
MOMENT_WITH_MOMENTUM: Final = 1.5
"""The step that minibatches are stable to in the mean square: so much for each sample, and for N³."""


def moment_seconds(samples: int, momentum: Runs) -> Runs:
    """What that threshold takes where a run of minibatches ended, unless it overflowed."""
    each = SECONDS_PER_MOMENT_SAMPLE * samples + SECONDS_PER_MOMENT_CUBE * float(samples) ** 3
    return np.where(momentum > 0, MOMENT_WITH_MOMENTUM * each, each)


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
BYTES_PER_RECORD: Final = 7
"""On a page with others; a step number and six curves."""


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
