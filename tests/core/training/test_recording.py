"""When a run is recorded, and what."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.array_block import pack_arrays, unpack_arrays
from core.data.regression import train_loss
from core.descent.optimizers import HeavyBall
from core.record_plan import record_steps
from core.training.batch import Batch
from core.training.loss_checks import NEVER
from core.training.recording import Recorder, Sight, observed
from core.training.trajectory import QUANTITIES
from tests.core.training.evidence_at import batch_of
from tests.core.trainings import SQUARED, TINY, planned


@given(points=st.integers(1, 200), max_steps=st.integers(1, 10**9))
def test_recorded_steps_are_few_distinct_and_span_the_budget(points: int, max_steps: int) -> None:
    """At most `points` growing steps that end at the budget, and start at 0 where there is room for two."""
    steps = record_steps(points, max_steps)
    assert 1 <= len(steps) <= points
    assert (np.diff(steps) > 0).all()
    assert steps[-1] == max_steps
    assert points == 1 or steps[0] == 0


def test_the_steps_are_log_spaced_between_the_first_and_the_last() -> None:
    """Of one point the last is left, of two both ends."""
    assert record_steps(5, 1000).tolist() == [0, 1, 10, 100, 1000]
    assert record_steps(2, 1000).tolist() == [0, 1000]
    assert record_steps(1, 1000).tolist() == [1000]


def test_no_points_means_no_recording() -> None:
    """0 points: nothing is recorded."""
    assert record_steps(0, 1000).size == 0


def recorded(*points: int, max_steps: int = 1000) -> tuple[Batch, Recorder]:
    """Runs with so many points, of different scales, and nothing recorded."""
    runs = [planned(k, record_points=n, max_steps=max_steps, init_scale=0.1 + 0.2 * k) for k, n in enumerate(points)]
    return batch_of(*runs), Recorder.begin(runs)


def walk(batch: Batch, recorder: Recorder, stop: int) -> list[int]:
    """The steps at which something was due, recorded up to one."""
    steps = []
    while (step := recorder.next_due()) <= stop:
        recorder.record(batch, recorder.due(batch, step))
        steps.append(step)
    return steps


def test_every_run_is_recorded_at_its_own_steps_and_at_no_other() -> None:
    """Five points over 1000 steps, two, none; what is due at once is recorded together."""
    batch, recorder = recorded(5, 2, 0)
    assert walk(batch, recorder, 50) == [0, 1, 10]
    recorder.record(batch, recorder.due(batch, 11))
    assert [recorder.trajectory(run, batch.runs[run]).record_step.tolist() for run in range(3)] == [[0, 1, 10], [0], []]
    assert walk(batch, recorder, 10**6) == [100, 1000]
    assert recorder.next_due() == NEVER
    assert [recorder.trajectory(run, batch.runs[run]).record_step.tolist() for run in range(3)] == [
        [0, 1, 10, 100, 1000],
        [0, 1000],
        [],
    ]


def test_the_end_of_a_run_is_its_last_record_once() -> None:
    """Not of a run that is not recorded at all, nor twice where its last step was one of its points."""
    batch, recorder = recorded(5, 1, 0)
    walk(batch, recorder, 10)
    for run in range(3):
        recorder.record_end(batch, run, 64)
        recorder.record_end(batch, run, 64)
    assert [recorder.trajectory(run, batch.runs[run]).record_step.tolist() for run in range(3)] == [
        [0, 1, 10, 64],
        [64],
        [],
    ]
    batch, recorder = recorded(5)
    walk(batch, recorder, 1000)
    recorder.record_end(batch, 0, 1000)
    assert recorder.trajectory(0, batch.runs[0]).record_step.tolist() == [0, 1, 10, 100, 1000]


def test_a_record_is_of_the_run_and_of_the_moment() -> None:
    """The loss of its own θ, before and after a step."""
    batch, recorder = recorded(0, 3, 3)
    states = []
    for step in (0, 1):
        states.append(batch.theta())
        recorder.record(batch, recorder.due(batch, step))
        batch.descent.advance(np.full((1, 3), 0.3))
    for run in (1, 2):
        expected = [train_loss(SQUARED.predictor(theta[run]), TINY.X, TINY.y) for theta in states]
        np.testing.assert_allclose(recorder.trajectory(run, batch.runs[run]).curves["train_loss"], expected, rtol=1e-12)
    assert recorder.count.tolist() == [0, 2, 2]


def test_states_that_are_observed_together_have_the_bits_of_each_by_itself() -> None:
    """Those of several steps and runs, which are as many lanes to the kernel."""
    (batch, together), (same, alone) = recorded(3, 3), recorded(3, 3)
    sights = []
    for step in (0, 1):
        sights += together.due(batch, step)
        alone.record(same, alone.due(same, step))
        for each in (batch, same):
            each.descent.advance(np.full((1, 2), 0.3))
    together.record(batch, sights)
    for run in (0, 1):
        for name, values in alone.trajectory(run, batch.runs[run]).curves.items():
            np.testing.assert_array_equal(together.trajectory(run, batch.runs[run]).curves[name], values)


def test_records_go_with_their_runs_and_through_a_checkpoint() -> None:
    """What is recorded and what is still to come."""
    batch, recorder = recorded(5, 2)
    walk(batch, recorder, 1)
    kept = recorder.select(np.array([1]))
    assert (kept.next_due(), recorder.next_due()) == (1000, 10)
    again = Recorder.from_arrays(unpack_arrays(pack_arrays(recorder.arrays())))
    assert again.next_due() == 10
    for name in QUANTITIES:
        np.testing.assert_array_equal(
            again.trajectory(0, batch.runs[0]).curves[name], recorder.trajectory(0, batch.runs[0]).curves[name]
        )


def test_a_quantity_that_there_is_not_is_no_number() -> None:
    """Heavy-ball momentum conserves no effective initialisation; the tiny problem has no test loss."""
    batch = batch_of(planned(0), planned(1, optimizer=HeavyBall(momentum=0.5)))
    seen = dict(zip(QUANTITIES, observed(batch, Sight.of(batch, np.array([0, 1]), np.array([0, 0]))).T, strict=True))
    np.testing.assert_array_equal(np.isnan(seen["effective_init"]), [False, True])
    assert np.isnan(seen["test_loss"]).all()
    assert np.isfinite(seen["sharpness"]).all()
