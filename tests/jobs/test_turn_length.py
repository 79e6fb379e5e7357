"""What both stores promise about turns of more than a job: what wants less than one is done whole, the least first."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice
from random import Random

import pytest

from jobs.connection import connect
from jobs.records import Queue
from tests.jobs.conftest import memory_laboratory, redis_laboratory
from tests.jobs.laboratory import SETTINGS, Laboratory
from tests.jobs.shares import assert_served_alike, claims
from tests.jobs.test_owner_turns import names as names_of
from tests.jobs.test_owner_turns import owner_of, planned, submit
from tests.jobs.test_owner_turns import test_what_is_foretold_of_a_place_comes_true as foretold
from tests.jobs.test_turns_contract import names, waiting

TURN = 10.0
OF_TURNS = SETTINGS.model_copy(update={"turn_seconds": TURN})


@pytest.fixture(params=["memory", "redis"])
def laboratory(request: pytest.FixtureRequest) -> Iterator[Laboratory]:
    """An empty store of either kind, in which a turn is of ten seconds."""
    if request.param == "memory":
        yield memory_laboratory(OF_TURNS)
        return
    with connect(request.getfixturevalue("empty_valkey_url"), patience=10.0) as client:
        yield redis_laboratory(client, OF_TURNS)


def test_what_wants_less_than_a_turn_is_done_whole(laboratory: Laboratory) -> None:
    """First come, first served, so that only the last of a class is done last."""
    for name in "ABC":
        waiting(laboratory, name, [3.0] * 3)
    assert names(laboratory, claims(laboratory)) == "AAABBBCCC"


def test_what_wants_more_gives_way_when_its_turn_is_over(laboratory: Laboratory) -> None:
    """With the job that fills it; whose turn is shorter comes first, and so does what is left of M."""
    waiting(laboratory, "L", [4.0] * 9)
    waiting(laboratory, "S", [4.0] * 2)
    waiting(laboratory, "M", [4.0] * 4)
    assert names(laboratory, claims(laboratory)) == "SSLLLMMMMLLLLLL"


def test_what_comes_late_and_wants_little_is_served_next(laboratory: Laboratory) -> None:
    """Whoever has the turn; what wants as much as they do has one when they have had theirs."""
    for name in "KL":
        waiting(laboratory, name, [5.0] * 9)
    assert names(laboratory, islice(claims(laboratory), 5)) == "KKLLK"
    waiting(laboratory, "M", [5.0] * 9)
    waiting(laboratory, "S", [1.0] * 3)
    assert names(laboratory, islice(claims(laboratory), 10)) == "SSSKLLMMKK"


def test_what_experiments_have_been_served_differs_by_a_turn_at_most(laboratory: Laboratory) -> None:
    """And the job that fills it, whatever jobs weigh: the law of start-time fair queueing, with turns for packets."""
    random, names_ = Random(1), "ABCD"
    experiments = {waiting(laboratory, name, [random.uniform(1, 9) for _ in range(40)]).id: name for name in names_}
    jobs = dict.fromkeys(names_, 40)
    assert_served_alike(laboratory, lambda claim: experiments[claim.job.experiment_id], jobs, TURN + 9)


def test_what_owners_have_been_served_differs_by_a_turn_at_most(laboratory: Laboratory) -> None:
    """However many experiments they have: a turn of an owner is one of an experiment."""
    random, numbers = Random(1), {"ada": 9, "ben": 1, "": 3}
    for owner, count in numbers.items():
        planned(laboratory, owner, count, [random.uniform(1, 9) for _ in range(90 // count)])
    assert_served_alike(laboratory, partial(owner_of, laboratory), dict.fromkeys(numbers, 90), TURN + 9)


def test_owners_of_small_experiments_are_served_whole_in_turn(laboratory: Laboratory) -> None:
    """One experiment each, though a turn has room for three."""
    for owner in ("ada", "ben"):
        planned(laboratory, owner, 2, [1.0] * 3)
    assert names_of(laboratory, claims(laboratory)) == [
        name for name in ("ada0", "ben0", "ada1", "ben1") for _ in range(3)
    ]


def test_plans_of_owners_come_one_by_one(laboratory: Laboratory) -> None:
    """A plan is a turn, however little of one it takes."""
    for number in range(50):
        submit(laboratory, "zoe", number)
    for number in range(5):
        submit(laboratory, "ada", number)
    planned_by = Counter(name[:3] for name in names_of(laboratory, islice(claims(laboratory, Queue.INTERACTIVE), 10)))
    assert planned_by == {"ada": 5, "zoe": 5}


def test_the_more_wait_for_an_experiment_the_sooner_it_comes(laboratory: Laboratory) -> None:
    """Whether they ask before it is planned or after that."""
    early = laboratory.submit("E", name="E")
    for _ in range(2):
        assert laboratory.submit("E", name="E").id == early.id
    for name in "EABC":
        waiting(laboratory, name, [5.0] * 2)
    for _ in range(4):
        laboratory.submit("C", name="C")
    laboratory.submit("B", name="B")
    assert names(laboratory, claims(laboratory)) == "CCEEBBAA"


def test_a_class_has_its_results_one_after_another(laboratory: Laboratory) -> None:
    """Twenty of three core-seconds each, and one that ten wait for: in the mean after half of all work, it at first."""
    people = [str(number) for number in range(20)]
    for name in [*people, "shared"]:
        waiting(laboratory, name, [0.375] * 8)
    for _ in range(9):
        laboratory.submit("shared", name="shared")
    experiments = {each.id: each.name for each in laboratory.store.experiments().experiments}
    done, ends, claimed = 0.0, dict[str, float](), Counter[str]()
    for claim in claims(laboratory):
        name = experiments[claim.job.experiment_id]
        done += claim.job.work
        claimed[name] += 1
        if claimed[name] == 8:
            ends[name] = done
    assert list(ends) == ["shared", *people]
    assert sum(ends.values()) / len(ends) == 33.0
    assert done == 63.0


def test_however_many_ask_again_others_wait_for_a_turn_more_at_most(laboratory: Laboratory) -> None:
    """One and the same that submits it over and over, perhaps, in place of asking how it is."""
    waiting(laboratory, "A", [1.0] * 40)
    waiting(laboratory, "B", [1.0] * 80)
    claimed = ""
    for _ in range(60):
        for _ in range(5):
            laboratory.submit("B", name="B")
        claimed += names(laboratory, islice(claims(laboratory), 1))
        assert claimed.count("B") - claimed.count("A") <= 2 * TURN


def test_owners_who_wait_in_lines_of_an_older_version_share_with_those_who_come(empty_valkey_url: str) -> None:
    """It knew what an owner had been served from the first claim on, and until then by the place in the line alone."""
    with connect(empty_valkey_url, patience=10.0) as client:
        laboratory = redis_laboratory(client, OF_TURNS)
        planned(laboratory, "ada", 1, [5.0] * 40)
        list(islice(claims(laboratory), 20))
        planned(laboratory, "ben", 1, [5.0] * 20)
        assert sum(client.hdel(line, "ben") for line in client.keys("*:owners:served")) > 0
        planned(laboratory, "ben", 2, [5.0] * 20)
        claimed = Counter(name[:3] for name in names_of(laboratory, islice(claims(laboratory), 16)))
        assert claimed == {"ada": 8, "ben": 8}


@pytest.mark.parametrize("seed", range(12))
def test_what_is_foretold_of_a_place_comes_true(laboratory: Laboratory, seed: int) -> None:
    """With turns of more than a job, where jobs of an owner weigh the same."""
    foretold(laboratory, seed)


def test_both_stores_foretell_the_same(empty_valkey_url: str) -> None:
    """Whatever jobs weigh, and however often somebody has asked again."""
    for seed in range(30):
        with connect(empty_valkey_url, patience=10.0) as client:
            client.flushall()
            pair = memory_laboratory(OF_TURNS), redis_laboratory(client, OF_TURNS)
            told = [_told(each, Random(seed)) for each in pair]
            assert told[0] == told[1]


def _told(laboratory: Laboratory, random: Random) -> list[list[tuple[str, int, float]]]:
    """The places of all, by a life that is drawn."""
    for name in "ABCD":
        waiting(laboratory, name, [random.choice([0.5, 2.0, 7.0])] * random.randrange(1, 12))
    for _ in range(random.randrange(6)):
        name = random.choice("ABCD")
        laboratory.submit(name, name=name)
    for _ in islice(claims(laboratory), random.randrange(9)):
        pass
    found = sorted(laboratory.store.experiments().experiments, key=lambda each: each.name)
    return [
        [
            (place.queue, place.experiments_ahead, round(place.work_ahead, 6))
            for place in laboratory.store.places(each.id)
        ]
        for each in found
    ]
