"""What both stores promise about sharing: experiments take turns, whatever the order of the messages."""

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

import pytest

from jobs.records import Claim, Experiment, JobKind, NewJob, Queue, plan_job_id
from jobs.states import ExperimentStatus
from tests.jobs.laboratory import Laboratory, figure_job, train_job


def waiting(laboratory: Laboratory, name: str, works: Sequence[float], queue: Queue = Queue.BATCH) -> Experiment:
    """An experiment whose planning is to be continued, with queued training jobs of these works."""
    experiment = laboratory.submit(name, name=name)
    plan = laboratory.claim_plan(experiment)
    laboratory.store.add_jobs(plan, [_job(experiment, number, work, queue) for number, work in enumerate(works)])
    laboratory.store.hand_back(plan)
    return experiment


def _job(experiment: Experiment, number: int, work: float, queue: Queue) -> NewJob:
    return NewJob(id=f"{experiment.id}.{number}", kind=JobKind.TRAIN, queue=queue, payload={}, work=work)


def claims(laboratory: Laboratory, hint: Experiment) -> Iterator[Claim]:
    """Claim upon claim with the message of the experiment's first job, until there is none to be had."""
    while (claim := laboratory.store.claim(f"{hint.id}.0", worker="w")) is not None:
        yield claim


def names(laboratory: Laboratory, claimed: Iterator[Claim]) -> str:
    """The names of the claimed jobs' experiments in a row."""
    return "".join(laboratory.store.experiment(claim.job.experiment_id).name for claim in claimed)


def test_experiments_take_turns_by_work(laboratory: Laboratory) -> None:
    """Two jobs of 50 against one of 100; the older experiment first where both have been served the same."""
    large = waiting(laboratory, "L", [100.0] * 20)
    waiting(laboratory, "S", [50.0] * 4)
    assert names(laboratory, islice(claims(laboratory, large), 9)) == "LSSLSSLLL"


def test_what_experiments_have_been_served_differs_by_one_job_at_most(laboratory: Laboratory) -> None:
    """While they all wait, whatever their jobs weigh: the law of start-time fair queueing."""
    random = Random(1)
    works = {name: [random.uniform(1, 9) for _ in range(40)] for name in "ABC"}
    experiments = {waiting(laboratory, name, works[name]).id: name for name in works}
    served, left = dict.fromkeys(works, 0.0), dict.fromkeys(works, 40)
    for claim in claims(laboratory, laboratory.submit("A", name="A")):
        name = experiments[claim.job.experiment_id]
        served[name] += claim.job.work
        left[name] -= 1
        if not left[name]:
            break
        assert max(served.values()) - min(served.values()) <= 9
    assert 0 in left.values()


def test_jobs_of_one_experiment_come_in_the_order_they_were_recorded(laboratory: Laboratory) -> None:
    """By number and not by the letters of their ids; one that is handed back is the next."""
    experiment = waiting(laboratory, "A", [1.0] * 12)
    first, *others = islice(claims(laboratory, experiment), 11)
    assert [claim.job.id for claim in (first, *others)] == [f"{experiment.id}.{number}" for number in range(11)]
    laboratory.store.hand_back(first)
    assert [claim.job.id for claim in claims(laboratory, experiment)] == [first.job.id, f"{experiment.id}.11"]


def test_a_late_experiment_is_served_next_and_then_in_its_turn(laboratory: Laboratory) -> None:
    """It does not wait for the work that lies before it, nor is it given what others had before it came."""
    large = waiting(laboratory, "L", [100.0] * 20)
    assert names(laboratory, islice(claims(laboratory, large), 10)) == "L" * 10
    waiting(laboratory, "S", [100.0] * 5)
    assert names(laboratory, islice(claims(laboratory, large), 10)) == "SLSLSLSLSL"


def test_an_experiment_that_was_alone_is_not_punished_for_it(laboratory: Laboratory) -> None:
    """It left the queue with much work done; whoever came meanwhile does not go before it for long."""
    old = waiting(laboratory, "O", [100.0] * 10)
    *_, last = claims(laboratory, old)
    waiting(laboratory, "N", [100.0] * 20)
    laboratory.store.hand_back(last)
    assert "O" in names(laboratory, islice(claims(laboratory, old), 2))


def test_leaving_and_coming_back_gains_nothing(laboratory: Laboratory) -> None:
    """A planner that adds job by job, each claimed at once, has its turns and no more."""
    store = laboratory.store
    steady = waiting(laboratory, "S", [100.0] * 20)
    restless = laboratory.submit("R", name="R")
    plan = laboratory.claim_plan(restless)
    claimed = ""
    for number in range(8):
        store.add_jobs(plan, [train_job(restless, number)])
        claimed += names(laboratory, islice(claims(laboratory, steady), 2))
    assert claimed.count("R") == claimed.count("S") == 8


@pytest.mark.parametrize("ending", ["hand_back", "fail", "lose"])
def test_an_attempt_that_ends_early_has_had_its_turn(laboratory: Laboratory, ending: str) -> None:
    """The work is not given back, so that nobody comes before the others by failing."""
    troubled = waiting(laboratory, "T", [100.0] * 3)
    waiting(laboratory, "S", [100.0] * 20)
    (claim,) = islice(claims(laboratory, troubled), 1)
    if ending == "lose":
        laboratory.lose(claim)
    elif ending == "fail":
        laboratory.store.fail(claim, "boom")
    else:
        laboratory.store.hand_back(claim)
    assert names(laboratory, islice(claims(laboratory, troubled), 6)) == "STSTST"


def test_a_cancelled_experiment_has_no_turns(laboratory: Laboratory) -> None:
    """Its messages, still under way, give claims to the others' jobs."""
    cancelled = waiting(laboratory, "C", [1.0] * 5)
    waiting(laboratory, "S", [1.0] * 3)
    laboratory.store.cancel(cancelled.id)
    assert names(laboratory, claims(laboratory, cancelled)) == "SSS"


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_is_left_of_a_failed_experiment_has_no_turns_until_it_is_retried(
    laboratory: Laboratory, jobs: int
) -> None:
    """Nor has what comes back to it from a worker; afterwards nothing is missing."""
    store = laboratory.store
    failed = waiting(laboratory, "F", [1.0] * jobs)
    other = waiting(laboratory, "S", [1.0] * 4)
    (running,) = islice(claims(laboratory, failed), 1)
    laboratory.kill(plan_job_id(failed.id))
    assert store.experiment(failed.id).status is ExperimentStatus.FAILED
    assert names(laboratory, islice(claims(laboratory, failed), 2)) == "SS"
    store.hand_back(running)
    assert names(laboratory, islice(claims(laboratory, failed), 1)) == "S"
    store.retry(failed.id)
    assert sorted(names(laboratory, claims(laboratory, other))) == ["F"] * jobs + ["S"]


def test_a_retried_experiment_takes_part_again(laboratory: Laboratory) -> None:
    """With its dead jobs."""
    store = laboratory.store
    experiment = laboratory.planned("R", name="R", batches=1)
    laboratory.kill(f"{experiment.id}.0")
    other = waiting(laboratory, "S", [100.0] * 9)
    store.retry(experiment.id)
    assert "R" in names(laboratory, islice(claims(laboratory, other), 5))


@pytest.mark.parametrize("seed", range(3))
def test_every_job_is_had_once_whatever_the_order_of_the_messages(laboratory: Laboratory, seed: int) -> None:
    """One message for each job, in any order, leaves none queued; doubled and late ones do no harm."""
    random = Random(seed)
    experiments = [waiting(laboratory, name, [random.uniform(1, 9) for _ in range(7)]) for name in "ABC"]
    wanted = [f"{experiment.id}.{number}" for experiment in experiments for number in range(7)]
    messages = random.sample(wanted, len(wanted))
    had = [laboratory.store.claim(message, worker="w") for message in messages]
    assert sorted(claim.job.id for claim in had if claim is not None) == sorted(wanted)
    assert [laboratory.store.claim(message, worker="w") for message in messages] == [None] * len(wanted)


def test_the_message_of_a_finished_job_gives_a_claim_to_another(laboratory: Laboratory) -> None:
    """It is a hint that some job waits, as good as any."""
    experiment = laboratory.planned(batches=2)
    laboratory.train(experiment, 0)
    claim = laboratory.store.claim(f"{experiment.id}.0", worker="w")
    assert claim is not None
    assert claim.job.id == f"{experiment.id}.1"
    laboratory.store.complete(claim)
    assert laboratory.store.claim(f"{experiment.id}.1", worker="w") is None


def test_a_message_gives_claims_to_jobs_of_its_own_queue_alone(laboratory: Laboratory) -> None:
    """A worker of one queue must not be kept busy by the other; experiments are served in each apart."""
    batch = waiting(laboratory, "B", [1.0] * 2)
    quick = waiting(laboratory, "I", [1.0] * 2, Queue.INTERACTIVE)
    assert names(laboratory, claims(laboratory, batch)) == "BB"
    assert names(laboratory, claims(laboratory, quick)) == "II"


def test_planning_and_drawing_do_not_take_turns(laboratory: Laboratory) -> None:
    """They are had by their own ids, and only by those, whoever waits in their queue."""
    store = laboratory.store
    quick = waiting(laboratory, "I", [1.0] * 2, Queue.INTERACTIVE)
    planning = laboratory.submit("P", name="P")
    store.request(figure_job(), experiment_id=quick.id)
    assert names(laboratory, claims(laboratory, quick)) == "II"
    assert laboratory.claim("figure").job.kind is JobKind.DRAW
    assert laboratory.claim_plan(planning).job.kind is JobKind.PLAN
    assert store.claim(plan_job_id(planning.id), worker="w") is None
