"""The campaign in short: a dozen completed runs, each continued to its end."""

import pytest

from core.descent.kernel import one_thread
from core.descent.optimizers import HeavyBall
from tests.completion_campaign.campaign import Effort, judged_batch
from tests.completion_campaign.drawn_batch import drawn_batch
from tests.completion_campaign.other_optimisers import judged, line
from tests.completion_campaign.tally import Tally

EFFORT = Effort(training=1e8, continuation=5e8)


@pytest.mark.timeout(120)
def test_completed_runs_end_where_they_were_said_to_end() -> None:
    """Within their tolerance, within what is proven, and at stable interpolators."""
    tally, number = Tally(), 0
    with one_thread():
        while len(tally.judged) < 12:
            batch = list(judged_batch(7, number, tally, EFFORT))
            assert [judgement.where for judgement in batch if judgement.faults] == []
            number += 1
    assert sum(judgement.is_finished for judgement in tally.judged) >= 6
    assert next(tally.lines()).startswith(f"{len(tally.judged)} runs completed")


def test_what_a_continuation_leaves_is_told_along_its_way() -> None:
    """Where a limit is right to rounding, all of the distance from it is what the steps have still to go."""
    with one_thread():
        judged_ones = list(judged_batch(5308, 267, Tally(), Effort(training=5e8, continuation=1e10)))
    unkicked = [judgement.continuation for judgement in judged_ones if not judgement.continuation.kick]
    far = [end for end in unkicked if end.rest > 1e-12]
    assert far
    for end in far:
        assert abs(end.error / end.rest - 1) < 1e-2


def test_a_batch_is_drawn_again_by_its_number() -> None:
    """What a line of the report names can be looked into, whatever was drawn before."""
    once, again = (drawn_batch(3, 5, runs=2, work=1e8) for _ in range(2))
    assert once.problem.dataset.digest == again.problem.dataset.digest
    assert [run.step_size for run in once.runs] == [run.step_size for run in again.runs]
    assert [run.initial.tobytes() for run in once.runs] == [run.initial.tobytes() for run in again.runs]


def test_heavy_ball_and_sgd_are_no_further_from_their_limits_than_they_say() -> None:
    """A dozen runs, against the same runs iterated on; most of them are completed."""
    with one_thread():
        runs = [found for number in range(12) if (found := judged(number)) is not None]
    assert [run for run in runs if run.is_exceeded] == []
    assert sum(run.is_completed for run in runs) >= 8
    assert "0 errors above what was said" in line(HeavyBall, runs)
