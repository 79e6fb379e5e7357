"""A random part of the runs of a preset, as the service trains them."""

import numpy as np

from core.analysis.problem import analyse_problem
from core.descent.kernel import chosen
from core.experiment.dataset import dataset_of, no_uploads
from core.experiment.training_run import never_stable, training_run
from core.presets import preset
from core.randomness import stream
from core.sweep.grid import Grid
from core.training.problem import Problem
from tests.completion_campaign.drawn_batch import DrawnBatch


def preset_batch(name: str, seed: int, *, share: float) -> DrawnBatch:
    """The share, at least one run, of a full preset on a single data set of its own."""
    runs = list(Grid(preset(name, "full")).runs())
    rng = stream(seed, f"completion campaign, {name}")
    picked = [runs[index] for index in np.sort(rng.permutation(len(runs))[: max(1, round(share * len(runs)))])]
    first = picked[0]
    data = dataset_of(first.spec.data, no_uploads)
    assert all(run.problem_key == first.problem_key for run in picked)
    analysis = analyse_problem(data, first.network, first.data_key).analysis
    problem = Problem(dataset=data, network=first.network, never_stable=never_stable(analysis), kernel=chosen("auto"))
    return DrawnBatch(problem=problem, runs=tuple(training_run(run, analysis) for run in picked), words=name)
