"""What a run will cost: its steps, the seconds they take, and the bytes that are kept of it.

Nothing depends on a prediction but how runs are packed, how far an experiment says it is, and what an estimate answers.
Everything here is vectorised over runs and costs nothing beside a single step of them.

Steps were measured on the runs of the presets, 50 samples in 100 dimensions; with f = η/η*, warm-up W, scale α:

* A run stays near the saddle at 0 until the coordinates that matter have grown: W/2 + c/f steps. At D = 2
  c = 450·ln³(1/α)·f^0.2, less for small steps, whose limits are known at a larger loss; at D ≥ 3 c = 300·α^(1−D).
* What the flow leads to from α is stable where f·(1 + 1.7·α) ≤ 1: such a run ends by completion as soon as it is near
  its end and warm-up and noise are over. Others settle at the edge of stability, where the last mode shrinks slowly:
  1.15·10³·(D − 1)·f³/(1 − f) steps per decade of loss.
* Plain descent at D = 2 is completed by strides once they are tried, wherever it is then: runs that stay smooth within
  a warm-up that is long enough, others after it, and not while they still move violently at the edge: for .7 decades.
* Where completion is ruled out, small steps take a decade of loss in 8·10³/f steps, whatever α.
* From η* on a run is found to oscillate four windows or five after its warm-up.
* With a = f·α^(2D−2) > 0.035 a run begins beyond 2/η; a warm-up of less than 5·10³·a steps does not save it.
* Momentum m makes all but warm-up and noise c/(1 − m) times as fast, with c its η* over that of gradient descent.

A single run may be off by a factor of 2, a batch hardly is.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from core.descent.native.library import library
from core.descent.optimizers import Optimizer
from core.networks.network import Network

Runs = Float64[np.ndarray, " run"]


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelCost:
    """How long one step of one lane takes on one core: so much, and so much per entry of X.

    One lane by itself costs as much as `lone` of many do; a batch should have `fewest` lanes at least.
    """

    seconds_per_step: float
    seconds_per_entry: float
    lone: int
    fewest: int

    def step(self, entries: float) -> float:
        """Seconds of one run's step on N·d `entries`, in company."""
        return self.seconds_per_step + self.seconds_per_entry * entries


COMPILED: Final = KernelCost(seconds_per_step=4e-8, seconds_per_entry=1e-10, lone=3, fewest=4)
NUMPY: Final = KernelCost(seconds_per_step=1.6e-6, seconds_per_entry=3e-10, lone=16, fewest=16)
"""Measured for d from 12 to 1000 on a server with AVX2 whose two cores were shared, looks at the loss included."""


def kernel_cost(kernel: str, optimizer: Optimizer) -> KernelCost:
    """The costs of a kernel by its name; of any but NumPy's, those of the compiled one.

    NumPy's, too, where the compiled one has not the optimiser's step, and where `auto` finds none compiled here.
    """
    is_compiled = library() is not None if kernel == "auto" else kernel != "numpy"
    return COMPILED if is_compiled and optimizer.is_native else NUMPY


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CostInputs:
    """What the length of runs depends on, an entry for each run.

    `fraction` is η over the largest stable step, NaN where that is not known; `relative_limit` is that step
    in units of the one of gradient descent. `settled_from` is when warm-up and noise are over. `completes`: runs may
    end as soon as their limits are known, which is tried with strides after `strides_from` steps, ∞ where it is not.
    """

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
    strides_from: Runs


DECADES_BEFORE_STRIDES: Final = 0.7
"""Decades of loss at the edge of stability before the run is smooth enough for strides."""

OSCILLATION: Final = 40_000
"""Steps after the warm-up in which a run is found to oscillate."""


def predicted_steps(inputs: CostInputs) -> Runs:
    """A rough count of the steps of every run: never for a limit on one."""
    fraction, settled = inputs.fraction, inputs.settled_from
    # Step sizes may be of any size: what overflows is too large.
    with np.errstate(invalid="ignore", over="ignore"):
        below = np.clip(fraction, 1e-12, 1 - 1e-6)
        quickening = inputs.relative_limit / (1 - inputs.momentum)
        escape = inputs.warmup_steps / 2 + _saddle(inputs, below) / (below * quickening)
        decades = -math.log10(inputs.loss_tolerance)
        slowest = decades * math.log(10) / -np.log(np.maximum(inputs.momentum, 1e-300))  # the loss decays like m^t
        descent = np.maximum(_descent(inputs, below, decades) / quickening, slowest)
        strided = _strides_from(inputs, below) + _descent(inputs, below, DECADES_BEFORE_STRIDES)
        converged = np.fmin(np.maximum(settled, escape) + descent, strided)
        steps = np.where(fraction < 1, converged, settled + OSCILLATION)
        steps = np.where(_blows_up(inputs), inputs.warmup_steps / 500 + 64, steps)
    # Where no step size is stable there is nothing to converge to.
    return np.fmin(np.where(np.isnan(fraction), np.inf, steps), float(inputs.max_steps))


def _strides_from(inputs: CostInputs, fraction: Runs) -> Runs:
    """When strides first succeed: within a warm-up, if they cost less than what is left of it, of smooth runs alone."""
    worth, warmup = inputs.strides_from, inputs.warmup_steps
    early = _is_smooth(inputs, fraction) & (warmup >= 2 * worth)
    return np.where(early, worth, np.maximum(warmup, worth))


def _is_smooth(inputs: CostInputs, fraction: Runs) -> Bool[np.ndarray, " run"]:
    """What the flow leads to from α is stable."""
    return np.asarray(fraction * (1 + 1.7 * inputs.init_scale) <= 1)


def _saddle(inputs: CostInputs, fraction: Runs) -> Runs:
    """Steps near the saddle at 0, times f."""
    scale = np.minimum(inputs.init_scale, 1.0)
    if inputs.degree == 2:
        return np.asarray(450 * np.log(1 / scale) ** 3 * fraction**0.2)
    # No budget is as long as the scale is small: the power is not to overflow.
    return np.asarray(300 * np.maximum(scale ** float(inputs.degree - 1), 1e-30) ** -1.0)


def _descent(inputs: CostInputs, fraction: Runs, decades: float) -> Runs:
    """Steps from the end of warm-up and saddle on, for so many decades of loss where the limit is not known before."""
    edge = 1.15e3 * (inputs.degree - 1) / (1 - fraction)
    if not inputs.completes:
        return np.asarray(decades * (edge + 8e3 / fraction))
    return np.where(_is_smooth(inputs, fraction), 2e3, decades * edge * fraction**3)


def _blows_up(inputs: CostInputs) -> Bool[np.ndarray, " run"]:
    """Which runs begin too sharp for their step size and warm-up."""
    # Beyond 100 no warm-up is long enough, and the power is not to overflow.
    sharpness = np.minimum(inputs.init_scale, 100.0) ** (2.0 * inputs.degree - 2)
    pull = inputs.fraction * sharpness
    return np.asarray((pull > 0.035) & (inputs.warmup_steps < 5e3 * pull))


SECONDS_PER_RECORD: Final = 8e-6
SECONDS_PER_RECORD_ENTRY: Final = 5e-9
"""Most of it is the sharpness, of many states at a time."""

SECONDS_PER_TRAINING: Final = 5e-4
"""To begin it, to see how it ends, and, of a run, to sum it up and to store it."""

SECONDS_PER_SPECTRUM: Final = 1.5e-10
MOST_OF_SPECTRUM: Final = 256
"""The whole spectrum of a Hessian, up to that of so many parameters, at the end of a run: by their third power."""

SECONDS_PER_BATCH: Final = 9e-3
"""To look at its problem, its starts, and to be claimed."""

SECONDS_PER_ANALYSIS: Final = 1e-2
SECONDS_PER_ANALYSED_ENTRY: Final = 8e-6
DEEP: Final = 1.9
"""The analysis of a problem: so much, and so much per entry of X; times `DEEP` at degree 3 and more."""


SECONDS_PER_DRAW: Final = 1.4e-6
SECONDS_PER_DRAWN_SAMPLE: Final = 2.5e-8
"""What a step with noise, or with a minibatch, takes longer, most of it for random numbers."""


def drawing_seconds(noisy_steps: Runs, samples: int) -> Runs:
    """What the random numbers of every run cost."""
    return np.asarray(noisy_steps * (SECONDS_PER_DRAW + SECONDS_PER_DRAWN_SAMPLE * samples))


def overhead_seconds(records: Runs, *, entries: float, parameters: int, trainings: Runs) -> Runs:
    """What every run costs beside its steps, of networks of so many parameters."""
    spectrum = SECONDS_PER_SPECTRUM * min(parameters, MOST_OF_SPECTRUM) ** 3
    recorded = records * (SECONDS_PER_RECORD + SECONDS_PER_RECORD_ENTRY * entries)
    return np.asarray(SECONDS_PER_TRAINING * trainings + spectrum + recorded)


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
