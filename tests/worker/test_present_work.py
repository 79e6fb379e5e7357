"""What whoever watches is told of the work: kind, ids and end, and nothing that anybody has written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from jobs.records import FigureRequest
from tests.worker.workshop import SetAfter, Workshop, spec
from worker.context import WorkerContext
from worker.drawing import draw_next
from worker.present_work import End, PresentWork


class Onlooker:
    """Remembers every attempt, as it was when it ended."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, End]] = []
        self.works: list[PresentWork] = []

    @contextmanager
    def __call__(self, work: PresentWork) -> Iterator[None]:
        """Watch an attempt."""
        self.works.append(work)
        yield
        self.seen.append((work.name, work.end))


def watched(workshop: Workshop, onlooker: Onlooker, **options: Any) -> WorkerContext:
    """A worker whose work is watched."""
    return replace(workshop.context(**options), watch=onlooker)


def test_planning_training_and_drawing_are_told_by_ids_alone() -> None:
    """Of an experiment with a name that is nobody's business."""
    workshop, onlooker = Workshop(), Onlooker()
    context = watched(workshop, onlooker)
    experiment_id = workshop.submit(spec(), "a private name")
    workshop.work_off(context)
    workshop.store.request_figure(
        FigureRequest(
            experiment_id=experiment_id, figure="risk", format="svg", key="figure:1", owner="somebody", options=""
        ),
        seconds=60.0,
    )
    while draw_next(context):
        pass
    assert onlooker.seen == [
        ("stepbias.plan", End.DONE),
        ("stepbias.train", End.DONE),
        ("stepbias.draw", End.DONE),
    ]
    told = [value for work in onlooker.works for value in (work.id, *map(str, work.ids.values()))]
    assert all("private" not in value and "somebody" not in value for value in told)
    assert {key for work in onlooker.works for key in work.ids} == {"experiment", "job", "attempt", "figure"}
    assert len({work.id for work in onlooker.works}) == 3


def test_work_that_is_put_down_and_work_that_fails_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one goes on elsewhere, the other counts as an attempt."""
    workshop, onlooker = Workshop(), Onlooker()
    experiment_id, job = workshop.plan(spec())
    workshop.perform(job.id, watched(workshop, onlooker, stopping=SetAfter(1)))
    assert onlooker.seen == [("stepbias.train", End.PUT_DOWN)]

    def fail(*_: object) -> None:
        raise ArithmeticError("a private reason")

    monkeypatch.setattr("worker.perform.WORK", {job.kind: fail})
    workshop.perform(job.id, watched(workshop, onlooker))
    assert onlooker.seen[1:] == [("stepbias.train", End.FAILED)]
    assert all(work.ids["experiment"] == experiment_id for work in onlooker.works)
    assert not any("private" in repr(work) for work in onlooker.works)
