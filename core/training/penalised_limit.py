"""Whether a run whose weights decay for ever has come to the least penalised loss, by a gap that proves it."""

import numpy as np

from core.implicit_bias.weight_penalty import penalised_gap
from core.training.batch import Batch
from core.training.limits import RESOLVED


def rests_at_penalised_limit(batch: Batch, index: int) -> bool:
    """Whether L + ½λ‖θ‖² is within the tolerance of its least value, at a point that is stable for the steps there.

    The tolerance is the run's, relative to ½Ê[y²], and at least `RESOLVED`; λ is that of `WeightDecay.penalty_rate`,
    and stable is ηλ_max < 2 with what the decay adds to λ_max. Never at depth D ≥ 3, where no least value is known.
    """
    run, problem = batch.runs[index], batch.problem
    if not run.weight_decay.lasts:
        return False
    momentum, dataset = run.optimizer.momentum, problem.dataset
    theta, rate = batch.descent.theta[:, index], run.weight_decay.penalty_rate(momentum)
    with np.errstate(all="ignore"):  # a run may have diverged
        gap = penalised_gap(dataset.X, dataset.y, theta, problem.network, rate)
    allowed = max(run.loss_tolerance, RESOLVED) * (problem.zero_loss or float(batch.limits.start_loss[index]))
    if not gap <= allowed:
        return False
    sharpness = batch.sharpness(index) + run.weight_decay.sharpening(momentum, looks_ahead=run.optimizer.looks_ahead)
    return run.end_step_size * sharpness < run.optimizer.stability_limit
