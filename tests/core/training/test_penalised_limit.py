"""Whether runs whose weights decay rest at the least penalised loss."""

import numpy as np
import pytest

from core.data.regression import Dataset
from core.descent.batch_descent import BatchState
from core.descent.weight_decay import WeightDecay
from core.training.batch import Batch
from core.training.penalised_limit import rests_at_penalised_limit
from tests.core.trainings import planned, problem_of

ONE = Dataset(X=np.ones((1, 1)), y=np.array([1.25]))
"""L + ½λ‖θ‖² = ½(u₊² − u₋² − 1.25)² + ¼‖θ‖² is least at u₊ = 1, u₋ = 0, of curvature 4u₊² = 4 with the decay."""


@pytest.mark.parametrize(
    ("u_plus", "step_size", "until", "rests"),
    [(1.0, 0.49, None, True), (1.0, 0.51, None, False), (1.0, 0.49, 9, False), (1.01, 0.49, None, False)],
)
def test_a_run_rests_where_the_gap_is_small_and_steps_are_stable(
    u_plus: float, step_size: float, until: int | None, *, rests: bool
) -> None:
    """At the minimum below η = 2/4 alone; nowhere else, and not where the decay ends."""
    initial = np.array([[u_plus], [0.0]])
    run = planned(initial=initial, step_size=step_size, weight_decay=WeightDecay(rate=0.5, until=until))
    batch = Batch.at(BatchState.begin(initial[:, None], 1), problem_of(ONE), [run])
    assert rests_at_penalised_limit(batch, 0) is rests
