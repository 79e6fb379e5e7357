"""What both stores promise about owners: they take turns first, and then the experiments of each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from random import Random

import pytest
import redis

from jobs.connection import connect
from jobs.owned_store import owned
from jobs.records import Claim, Experiment, NewJob, Ownership, Priority, Queue, Wishes
from jobs.redis_store import RedisStore
from tests.jobs.conftest import redis_laboratory
from tests.jobs.laboratory import Laboratory, digest, figure_request
from tests.jobs.shares import assert_served_alike, claims

INTERACTIVE = Wishes()
BACKGROUND = Wishes(priority=Priority.BATCH)


def submit(laboratory: Laboratory, owner: str, number: int, wishes: Wishes = INTERACTIVE) -> Experiment:
    """An experiment that waits to be planned; of nobody where the owner is empty."""
    name = f"{owner or '-'}{number}"
    return laboratory.store.submit(
        spec=b"",
        content_hash=digest(name),
        name=name,
        tags=[],
        runs=1,
        wishes=wishes,
        ownership=Ownership(owner=owner),
    ).experiment


def planned(laboratory: Laboratory, owner: str, numbers: int, works: Sequence[float], **more: Wishes) -> None:
    """Experiments with queued training jobs of these works."""
    for number in range(numbers):
        submit(laboratory, owner, number, **more)
    while (plan := laboratory.store.claim(Queue.INTERACTIVE, worker="w")) is not None:
        its = plan.job.id.removesuffix("plan")
        laboratory.store.add_jobs(
            plan,
            [NewJob(id=f"{its}{each}", queue=Queue.BATCH, payload={}, work=work) for each, work in enumerate(works)],
        )
        laboratory.store.complete(plan)


def owner_of(laboratory: Laboratory, claim: Claim) -> str:
    """Whose job it is."""
    return laboratory.store.experiment(claim.job.experiment_id).ownership.owner


def names(laboratory: Laboratory, claimed: Iterator[Claim]) -> list[str]:
    """The names of the claimed jobs' experiments."""
    return [laboratory.store.experiment(claim.job.experiment_id).name for claim in claimed]


@pytest.mark.parametrize("many", ["ada", "ben"])
def test_one_experiment_of_an_owner_waits_for_no_hundred_of_another(laboratory: Laboratory, many: str) -> None:
    """Whatever they are called: in planning, where all come one after another."""
    for number in range(100):
        submit(laboratory, many, number)
    submit(laboratory, "bea", 0)
    assert "bea0" in names(laboratory, islice(claims(laboratory, Queue.INTERACTIVE), 2))


def test_owners_take_turns_by_work_and_so_do_the_experiments_of_each(laboratory: Laboratory) -> None:
    """Nobody is an owner like others."""
    planned(laboratory, "", 1, [2.0] * 9)
    planned(laboratory, "ada", 2, [1.0] * 9)
    assert names(laboratory, islice(claims(laboratory), 9)) == ["-0", "ada0", "ada1"] * 3


def test_what_owners_have_been_served_differs_by_one_job_at_most(laboratory: Laboratory) -> None:
    """While they all wait, whatever their jobs weigh and however many experiments they have."""
    random, numbers = Random(1), {"ada": 9, "ben": 1, "": 3}
    for owner, count in numbers.items():
        planned(laboratory, owner, count, [random.uniform(1, 9) for _ in range(90 // count)])
    assert_served_alike(laboratory, partial(owner_of, laboratory), dict.fromkeys(numbers, 90), 9)


def test_an_owner_who_leaves_and_comes_back_gains_nothing(laboratory: Laboratory) -> None:
    """By experiments that come one at a time, each served at once."""
    for number in range(50):
        submit(laboratory, "zoe", number)
    served: Counter[str] = Counter()
    for number in range(10):
        submit(laboratory, "ada", number)
        served.update(each[:3] for each in names(laboratory, islice(claims(laboratory, Queue.INTERACTIVE), 2)))
    assert served == {"ada": 10, "zoe": 10}


def test_owners_take_turns_in_each_priority(laboratory: Laboratory) -> None:
    """What nobody waits for is served a fifth of the work, and shared among owners as well."""
    planned(laboratory, "ada", 9, [1.0] * 9, wishes=BACKGROUND)
    planned(laboratory, "ben", 1, [1.0] * 9, wishes=BACKGROUND)
    planned(laboratory, "zoe", 2, [1.0] * 40)
    served = Counter(each[:3] for each in names(laboratory, islice(claims(laboratory), 50)))
    assert served == {"zoe": 40, "ada": 5, "ben": 5}


def test_an_owner_whose_experiments_are_cancelled_has_no_turns(laboratory: Laboratory) -> None:
    """And takes them again with the next one."""
    first = submit(laboratory, "ada", 0)
    submit(laboratory, "ben", 0)
    laboratory.store.cancel(first.id)
    submit(laboratory, "ada", 1)
    assert names(laboratory, claims(laboratory, Queue.INTERACTIVE)) in (["ada1", "ben0"], ["ben0", "ada1"])


@pytest.mark.parametrize("seed", range(12))
def test_what_is_foretold_of_a_place_comes_true(laboratory: Laboratory, seed: int) -> None:
    """Who has a turn before, and what work they are given, where the jobs of an owner weigh the same."""
    random = Random(seed)
    owners = {owner: random.choice([0.5, 1.0, 3.0]) for owner in ("", "ada", "ben", "zoe")}
    for owner, work in owners.items():
        planned(laboratory, owner, random.randrange(1, 4), [work] * random.randrange(2, 6))
    for _ in islice(claims(laboratory), random.randrange(6)):
        pass
    waiting = [each for each in laboratory.store.experiments().experiments if laboratory.store.places(each.id)]
    experiment = random.choice(waiting)
    (place,) = laboratory.store.places(experiment.id)
    before = []
    for claim in claims(laboratory):
        if claim.job.experiment_id == experiment.id:
            break
        before.append(claim.job)
    assert place.experiments_ahead == len({job.experiment_id for job in before})
    assert place.work_ahead == sum(job.work for job in before)


def test_figures_are_drawn_for_owners_in_turn(laboratory: Laboratory) -> None:
    """Of each owner in the order in which they were asked for; who comes late waits for one round."""
    ada, ben = (owned(laboratory.store, Ownership(owner=owner)) for owner in ("ada", "ben"))
    drawn = []
    for number in range(3):
        ada.request_figure(figure_request(f"figure:{number}"), seconds=100.0)
    for number in range(3):
        ben.request_figure(figure_request(f"figure:{number}"), seconds=100.0)
        drawn += [request.key for _ in range(2) if (request := laboratory.store.next_figure())]
    assert [key.removeprefix("figure:") for key in drawn] == ["ada/0", "ben/0", "ada/1", "ben/1", "ada/2", "ben/2"]
    assert (laboratory.store.work_waiting(Queue.INTERACTIVE, most=9), laboratory.store.next_figure()) == (0, None)


def test_ends_are_told_for_owners_in_turn(laboratory: Laboratory) -> None:
    """So that receivers of one owner that answer nobody keep nobody else's waiting for more than one attempt."""
    wishes = replace(INTERACTIVE, webhook="https://a.example/")
    for owner, numbers in (("ada", 9), ("ben", 1), ("", 1)):
        for number in range(numbers):
            laboratory.store.cancel(submit(laboratory, owner, number, wishes).id)
    told = []
    for _ in range(5):
        (delivery,) = laboratory.store.due_webhooks(most=1, seconds=100.0)
        told.append(laboratory.store.experiment(delivery.experiment_id).name)
    assert told == ["ada0", "ben0", "-0", "ada1", "ada2"]


def test_what_is_planned_anew_for_another_version_starts_there_like_any_other(laboratory: Laboratory) -> None:
    """What it was served by workers of the former one keeps it waiting for nobody who comes later."""
    planned(laboratory, "ada", 1, [1.0] * 40)
    running = list(islice(claims(laboratory), 20))
    version = laboratory.store.experiment(running[0].job.experiment_id).numerics
    new = laboratory.of_version("another")
    assert len(new.store.plan_anew(version, most=9)) == 1
    planned(new, "ada", 2, [1.0] * 20)
    assert names(new, islice(claims(new), 4)) == ["ada0", "ada1"] * 2


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """A client of an empty server."""
    with connect(empty_valkey_url, patience=10.0) as one:
        yield one


def test_who_waits_in_a_store_of_the_former_schema_takes_turns_by_owner(client: redis.Redis) -> None:
    """There all stood in one line; figures and ends that were to be told are not forgotten either."""
    laboratory = redis_laboratory(client)
    wishes = replace(INTERACTIVE, webhook="https://a.example/")
    for number in range(3):
        submit(laboratory, "ada", number)
    waiting = submit(laboratory, "ben", 0)
    ended = submit(laboratory, "ben", 1, wishes)
    laboratory.store.cancel(ended.id)
    laboratory.store.request_figure(figure_request(), seconds=100.0)
    _as_schema_4(client, waiting.numerics)
    store = RedisStore(client, laboratory.store._settings)
    store.adopt()
    store.adopt()
    store.audit(most=100)
    assert not store.damaged()
    assert names(laboratory, islice(claims(laboratory, Queue.INTERACTIVE), 4)) == ["ada0", "ben0", "ada1", "ada2"]
    assert store.next_figure() == figure_request()
    assert [each.experiment_id for each in store.due_webhooks(most=9, seconds=1.0)] == [ended.id]


def test_what_was_served_in_the_former_schema_does_not_keep_its_owner_waiting(client: redis.Redis) -> None:
    """Behind experiments that came later: neither what waits when the store is taken over, nor what runs."""
    laboratory = redis_laboratory(client)
    planned(laboratory, "ada", 1, [1.0] * 40)
    planned(laboratory, "ben", 1, [20.0])
    its = {claim.job.experiment_id: claim for claim in islice(claims(laboratory), 21)}
    running = next(claim for claim in its.values() if claim.job.work > 1)
    _as_schema_4(client, laboratory.store.experiment(running.job.experiment_id).numerics)
    laboratory.store.adopt()
    for owner in ("ada", "ben"):
        planned(laboratory, owner, 2, [1.0] * 20)
    laboratory.store.fail(running, "an error", is_hopeless=False)
    assert set(names(laboratory, islice(claims(laboratory), 8))) == {"ada0", "ada1", "ben0", "ben1"}


def _as_schema_4(client: redis.Redis, numerics: str) -> None:
    """Put everybody into the lines of nobody, with one virtual time, and forget that owners take turns."""
    for line in (f"flows:interactive:{numerics}", f"flows:batch:{numerics}", "webhooks"):
        its = [f"stepbias:{line}:of:{owner}" for owner in ("ada", "ben")]
        client.zunionstore(f"stepbias:{line}", its, aggregate="MAX")
        clocks = [f"{each}:now" for each in its]
        if times := [float(time) for time in client.mget(clocks) if time is not None]:
            client.set(f"stepbias:{line}:now", max(times))
        client.delete(*its, *clocks)
    client.delete(*client.keys("*:?*:owners*"))
    client.set("stepbias:schema", "4")
