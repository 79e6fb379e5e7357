"""What both stores promise about sharing: experiments take turns in each queue, those that are planned as well."""

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

import pytest

from jobs.records import Claim, Experiment, NewJob, Queue
from tests.jobs.laboratory import Laboratory, train_job
from tests.jobs.shares import assert_served_alike, claims


def waiting(laboratory: Laboratory, name: str, works: Sequence[float], queue: Queue = Queue.BATCH) -> Experiment:
    """An experiment that is planned, with queued training jobs of these works."""
    experiment = laboratory.submit(name, name=name)
    plan = laboratory.claim_plan(experiment)
    laboratory.store.add_jobs(plan, [_job(experiment, number, work, queue) for number, work in enumerate(works)])
    laboratory.store.complete(plan)
    return experiment


def _job(experiment: Experiment, number: int, work: float, queue: Queue) -> NewJob:
    return NewJob(id=f"{experiment.id}.{number}", queue=queue, payload={}, work=work)


def names(laboratory: Laboratory, claimed: Iterator[Claim]) -> str:
    """The names of the claimed jobs' experiments in a row."""
    return "".join(laboratory.store.experiment(claim.job.experiment_id).name for claim in claimed)


def test_experiments_take_turns_by_work(laboratory: Laboratory) -> None:
    """Two jobs of 50 against one of 100; the older experiment first where both have been served the same."""
    waiting(laboratory, "L", [100.0] * 20)
    waiting(laboratory, "S", [50.0] * 4)
    assert names(laboratory, islice(claims(laboratory), 9)) == "LSSLSSLLL"


def test_what_experiments_have_been_served_differs_by_one_job_at_most(laboratory: Laboratory) -> None:
    """While they all wait, whatever their jobs weigh: the law of start-time fair queueing."""
    random = Random(1)
    works = {name: [random.uniform(1, 9) for _ in range(40)] for name in "ABC"}
    experiments = {waiting(laboratory, name, works[name]).id: name for name in works}
    jobs = dict.fromkeys(works, 40)
    assert_served_alike(laboratory, lambda claim: experiments[claim.job.experiment_id], jobs, 9)


def test_jobs_of_one_experiment_come_in_the_order_they_were_recorded(laboratory: Laboratory) -> None:
    """By number and not by the letters of their ids; one that is released is the next."""
    experiment = waiting(laboratory, "A", [1.0] * 12)
    first, *others = islice(claims(laboratory), 11)
    assert [claim.job.id for claim in (first, *others)] == [f"{experiment.id}.{number}" for number in range(11)]
    laboratory.store.release(first)
    assert [claim.job.id for claim in claims(laboratory)] == [first.job.id, f"{experiment.id}.11"]


def test_a_late_experiment_is_served_next_and_then_in_its_turn(laboratory: Laboratory) -> None:
    """It does not wait for the work that lies before it, nor is it given what others had before it came."""
    waiting(laboratory, "L", [100.0] * 20)
    assert names(laboratory, islice(claims(laboratory), 10)) == "L" * 10
    waiting(laboratory, "S", [100.0] * 5)
    assert names(laboratory, islice(claims(laboratory), 10)) == "SLSLSLSLSL"


def test_an_experiment_that_was_alone_is_not_punished_for_it(laboratory: Laboratory) -> None:
    """It left the queue with much work done; whoever came meanwhile does not go before it for long."""
    waiting(laboratory, "O", [100.0] * 10)
    *_, last = claims(laboratory)
    waiting(laboratory, "N", [100.0] * 20)
    laboratory.store.release(last)
    assert "O" in names(laboratory, islice(claims(laboratory), 2))


def test_leaving_and_coming_back_gains_nothing(laboratory: Laboratory) -> None:
    """A planner that adds job by job, each claimed at once, has its turns and no more."""
    store = laboratory.store
    waiting(laboratory, "S", [100.0] * 20)
    restless = laboratory.submit("R", name="R")
    plan = laboratory.claim_plan(restless)
    claimed = ""
    for number in range(8):
        store.add_jobs(plan, [train_job(restless, number)])
        claimed += names(laboratory, islice(claims(laboratory), 2))
    assert claimed.count("R") == claimed.count("S") == 8


@pytest.mark.parametrize("ending", ["release", "fail", "lose"])
def test_an_attempt_that_ends_early_has_had_its_turn(laboratory: Laboratory, ending: str) -> None:
    """The work is not given back, so that nobody comes before the others by failing."""
    waiting(laboratory, "T", [100.0] * 3)
    waiting(laboratory, "S", [100.0] * 20)
    (claim,) = islice(claims(laboratory), 1)
    if ending == "lose":
        laboratory.lose(claim)
    elif ending == "fail":
        laboratory.store.fail(claim, "boom")
    else:
        laboratory.store.release(claim)
    assert names(laboratory, islice(claims(laboratory), 6)) == "STSTST"


def test_a_cancelled_experiment_has_no_turns(laboratory: Laboratory) -> None:
    """The next claim is to a job of the others."""
    cancelled = waiting(laboratory, "C", [1.0] * 5)
    waiting(laboratory, "S", [1.0] * 3)
    laboratory.store.cancel(cancelled.id)
    assert names(laboratory, claims(laboratory)) == "SSS"


def test_what_was_planned_before_planning_died_has_its_turns(laboratory: Laboratory) -> None:
    """It is trained like what belongs to any other experiment."""
    store = laboratory.store
    failed = laboratory.submit("F", name="F")
    plan = laboratory.claim_plan(failed)
    store.add_jobs(plan, [_job(failed, number, 1.0, Queue.BATCH) for number in range(3)])
    waiting(laboratory, "S", [1.0] * 3)
    store.fail(plan, "boom", is_hopeless=True)
    assert names(laboratory, claims(laboratory)) == "FSFSFS"


def test_a_retried_experiment_takes_part_again(laboratory: Laboratory) -> None:
    """With its dead jobs."""
    store = laboratory.store
    experiment = laboratory.planned("R", name="R", batches=1)
    laboratory.kill(f"{experiment.id}.0")
    waiting(laboratory, "S", [100.0] * 9)
    store.retry(experiment.id)
    assert "R" in names(laboratory, islice(claims(laboratory), 5))


@pytest.mark.parametrize("seed", range(3))
def test_every_job_is_had_once(laboratory: Laboratory, seed: int) -> None:
    """So many claims, and none is left."""
    random = Random(seed)
    experiments = [waiting(laboratory, name, [random.uniform(1, 9) for _ in range(7)]) for name in "ABC"]
    wanted = [f"{experiment.id}.{number}" for experiment in experiments for number in range(7)]
    assert sorted(claim.job.id for claim in claims(laboratory)) == sorted(wanted)


def test_experiments_take_turns_in_each_queue_apart(laboratory: Laboratory) -> None:
    """A worker of one queue must not be kept busy by the other."""
    waiting(laboratory, "B", [1.0] * 2)
    waiting(laboratory, "I", [1.0] * 2, Queue.INTERACTIVE)
    assert names(laboratory, claims(laboratory)) == "BB"
    assert names(laboratory, claims(laboratory, Queue.INTERACTIVE)) == "II"


def test_planning_takes_turns_with_quick_training(laboratory: Laboratory) -> None:
    """Neither a long line of plans nor of quick jobs keeps the other waiting."""
    waiting(laboratory, "I", [1.0] * 3, Queue.INTERACTIVE)
    for name in "PQ":
        laboratory.submit(name, name=name)
    assert names(laboratory, claims(laboratory, Queue.INTERACTIVE)) in {"PQIII", "PIQII", "IPQII"}


def test_a_plan_that_is_released_waits_for_the_others(laboratory: Laboratory) -> None:
    """Slice by slice a long planning lets every other one that waits go before it."""
    long = laboratory.submit("L", name="L")
    claimed = ""
    claim = laboratory.claim_plan(long)
    for name in "ABC":
        laboratory.submit(name, name=name)
    for _ in range(6):
        if laboratory.store.experiment(claim.job.experiment_id).name == "L":
            laboratory.store.release(claim)
        else:
            laboratory.store.complete(claim)
        (claim,) = islice(claims(laboratory, Queue.INTERACTIVE), 1)
        claimed += names(laboratory, iter([claim]))
    assert claimed == "ABCLLL"
