"""The work of the service without the service: that it is the same work."""

from benchmarks.in_process import planned, pure_training_seconds
from benchmarks.sweeps import FIGURE_1, tiny_runs


def test_every_run_of_a_sweep_is_planned_and_can_be_trained() -> None:
    """A hundred tiny runs."""
    spec = tiny_runs(100)
    plan = planned(spec)
    assert len(plan.grid) == 100
    assert plan.jobs
    assert pure_training_seconds(spec) > 0


def test_figure_1_is_the_whole_one() -> None:
    """20 α by 10 η, as the text of the report says."""
    assert FIGURE_1.stopping.loss_tolerance == 1e-10
    assert len(planned(FIGURE_1).grid) == 200
