"""What a worker knows of a problem from one job to the next."""

from typing import Any
from unittest.mock import patch

import pytest

from core.analysis.starts import Start
from core.experiment.dataset import dataset_of
from tests.worker.workshop import Workshop, spec, undisturbed

pytestmark = pytest.mark.usefixtures("short_chunks")


def test_jobs_of_one_problem_share_what_is_known_of_it_and_give_the_same_bytes() -> None:
    """Two experiments with the same starts at other step sizes: data are made once, each start is looked at once."""
    asked = [spec(step_size=(step,)) for step in (0.02, 0.03)]
    expected = [undisturbed(each) for each in asked]
    workshop, made, looked = Workshop(), list[Any](), list[bytes]()
    context, limit_risks = workshop.context(), Start.limit_risks.func

    def noted(start: Start) -> dict[str, float | None]:
        looked.append(start.initial.tobytes())
        return limit_risks(start)

    with (
        patch("worker.batch.dataset_of", lambda data, load: (made.append(data), dataset_of(data, load))[1]),
        patch.object(Start.limit_risks, "func", noted),
    ):
        for one, runs in zip(asked, expected, strict=True):
            experiment_id = workshop.submit(one)
            workshop.work_off(context)
            assert workshop.runs(experiment_id) == runs
    assert len(made) == 1
    assert len(looked) == len(set(looked)) == len(expected[0])
