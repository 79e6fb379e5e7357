"""Values that changed in the store: found out, not served, told of, and made again where that is possible."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis

from jobs.connection import connect
from jobs.errors import ExperimentNotFound, LeaseLost
from jobs.records import FigureRequest, Queue, StoredRun, WebhookState, Wishes
from jobs.redis_store import RedisStore
from jobs.redis_store.fields import EXPERIMENT_FIELDS, FIRST_FIELDS, JOB_FIELDS, checksum
from jobs.redis_store.keys import SCHEMA
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import sealed_page
from jobs.seal import SEAL_BYTES, BrokenSeal, sealed
from jobs.states import ExperimentStatus
from tests.jobs.conftest import redis_laboratory
from tests.jobs.laboratory import Laboratory, digest, figure_request, finished_runs

PLACES = (0, SEAL_BYTES - 1, SEAL_BYTES, -1)
"""Of the changed byte: at both ends of the seal and of the value."""


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    """A client of the empty server."""
    with connect(empty_valkey_url, patience=10.0) as each:
        yield each


@pytest.fixture
def laboratory(client: redis.Redis) -> Laboratory:
    """A store on the empty server."""
    return redis_laboratory(client)


def flipped(stored: bytes, place: int) -> bytes:
    """The same with another byte in this place."""
    changed = bytearray(stored)
    changed[place] ^= 0x20
    return bytes(changed)


def page_of(client: redis.Redis, run: str) -> str:
    """The key of the page that a run is on."""
    place = client.hget(f"stepbias:run:{run}", "page")
    assert place is not None
    return f"stepbias:page:{place.decode().partition(':')[0]}"


def damage(client: redis.Redis, key: str, field: str | None = None, place: int = -1) -> None:
    """Change a byte of a value of the server; of a run's summary or arrays, of those of its page."""
    name = f"stepbias:{key}"
    if key.startswith("run:") and field in {"summary", "arrays"}:
        name, field = page_of(client, key.removeprefix("run:")), {"summary": "summaries"}.get(field, field)
    if field is None:
        client.set(name, flipped(client.get(name), place), keepttl=True)
    else:
        client.hset(name, field, flipped(client.hget(name, field), place))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("part", ["summary", "arrays"])
def test_a_damaged_run_is_not_served_and_not_counted(
    laboratory: Laboratory, client: redis.Redis, part: str, place: int
) -> None:
    """Whoever sees it first takes it away: an experiment that had succeeded says that a result is missing."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    laboratory.train(experiment, 0)
    damage(client, f"run:{digest('a spec 1')}", part, place)
    assert store.run(experiment.id, 1) is None
    assert store.damaged() == [f"{part} of run {digest('a spec 1')}"]
    assert [each is None for each in store.summaries(experiment.id, 0, 2)] == [False, True]
    now = store.experiment(experiment.id)
    assert (now.status, now.runs_done, now.outcomes) == (ExperimentStatus.FAILED, 1, {"converged": 1})
    assert now.error is not None
    assert now.error.startswith("1 of 2 results are missing or were found damaged")
    store.retry(experiment.id)
    plan = laboratory.claim(store.jobs(experiment.id)[0].id)
    assert list(store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec", 1)])) == [1]


def before_pages(client: redis.Redis, run: StoredRun) -> None:
    """Have a run be as it was stored before there were pages: with a summary and arrays of its own."""
    name = f"stepbias:run:{run.key}"
    client.unlink(page_of(client, run.key))
    client.hdel(name, "page")
    summary = sealed(f"summary of run {run.key}", run.outcome.encode() + b"\0" + run.summary)
    client.hset(name, mapping={"summary": summary, "arrays": sealed(f"arrays of run {run.key}", run.arrays)})


def test_a_run_of_before_pages_is_read_shared_and_let_go(laboratory: Laboratory, client: redis.Redis) -> None:
    """As it lies there, beside others that are on pages; what is computed again is not stored twice."""
    store = laboratory.store
    first = laboratory.planned(batches=1)
    laboratory.train(first, 0)
    runs = [each.run for each in finished_runs(laboratory.labels("a spec", 1))]
    before_pages(client, runs[0])
    assert [store.run(first.id, index) for index in range(2)] == runs
    assert list(store.summaries(first.id, 0, 2)) == [run.summary for run in runs]
    second = laboratory.submit(name="again", runs=2)
    plan = laboratory.claim_plan(second)
    assert not store.set_run_keys(plan, 0, [run.key for run in runs])
    store.commit_runs(plan, finished_runs(laboratory.labels("a spec", 1)))
    store.complete(plan)
    assert not client.hexists(f"stepbias:run:{runs[0].key}", "page")
    for experiment in (first, second):
        store.delete(experiment.id)
        while store.clear_garbage(most=10):
            pass
    assert not [name for name in client.keys("*") if name.startswith((b"stepbias:run:", b"stepbias:page:"))]


@pytest.mark.parametrize("part", ["summary", "arrays"])
def test_a_damaged_run_of_before_pages_is_computed_again(
    laboratory: Laboratory, client: redis.Redis, part: str
) -> None:
    """And lies on a page from then on."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    laboratory.train(experiment, 0)
    runs = [each.run for each in finished_runs(laboratory.labels("a spec", 1))]
    before_pages(client, runs[0])
    name = f"stepbias:run:{runs[0].key}"
    client.hset(name, part, flipped(client.hget(name, part), -1))
    assert store.run(experiment.id, 0) is None
    assert store.damaged() == [f"{part} of run {runs[0].key}"]
    store.retry(experiment.id)
    plan = laboratory.claim(store.jobs(experiment.id)[0].id)
    assert list(store.set_run_keys(plan, 0, [run.key for run in runs])) == [0]
    store.commit_runs(plan, finished_runs(["a spec 0"]))
    store.complete(plan)
    assert store.run(experiment.id, 0) == runs[0]
    assert client.hexists(name, "page")


@pytest.mark.parametrize("place", [0, 17, -1])
def test_a_place_that_is_damaged_leads_nowhere(laboratory: Laboratory, client: redis.Redis, place: int) -> None:
    """Neither to another run's results, nor to a page that others are on."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    store.commit_runs(claim, finished_runs(laboratory.labels("a spec", 1)))
    store.complete(claim)
    page = page_of(client, digest("a spec 0"))
    assert page == page_of(client, digest("a spec 1"))
    name = f"stepbias:run:{digest('a spec 0')}"
    client.hset(name, "page", flipped(client.hget(name, "page"), place))
    assert store.run(experiment.id, 0) is None
    assert store.experiment(experiment.id).runs_done == 1
    assert store.run(experiment.id, 1) == finished_runs(["a spec 1"])[0].run


def test_a_damaged_summary_is_found_in_the_table(laboratory: Laboratory, client: redis.Redis) -> None:
    """Its arrays need not be asked for."""
    experiment = laboratory.planned(batches=1)
    laboratory.train(experiment, 0)
    damage(client, f"run:{digest('a spec 0')}", "summary")
    assert [each is None for each in laboratory.store.summaries(experiment.id, 0, 2)] == [True, False]
    assert laboratory.store.experiment(experiment.id).runs_done == 1


@pytest.mark.parametrize("gone", ["key", "page", "summaries", "arrays"])
def test_a_run_that_is_gone_is_counted_no_longer(laboratory: Laboratory, client: redis.Redis, gone: str) -> None:
    """As one that is damaged."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    laboratory.train(experiment, 0)
    name = f"stepbias:run:{digest('a spec 0')}"
    if gone == "key":
        client.delete(name)
    elif gone == "page":
        client.delete(page_of(client, digest("a spec 0")))
    else:
        client.hdel(page_of(client, digest("a spec 0")), gone)
    assert store.run(experiment.id, 0) is None
    assert [each is None for each in store.summaries(experiment.id, 0, 2)] == [True, False]
    now = store.experiment(experiment.id)
    # Without the run nobody knows what it was counted under.
    assert (now.status, now.runs_done, now.outcomes) == ("failed", 1, {} if gone == "key" else {"converged": 1})


def test_every_experiment_that_counted_a_damaged_run_finds_it_missing(
    laboratory: Laboratory, client: redis.Redis
) -> None:
    """Also one that looks when it has been taken away; the outcomes add up to the runs."""
    store = laboratory.store
    first = laboratory.planned(batches=1)
    laboratory.train(first, 0)
    second = laboratory.submit(name="again", runs=2)
    plan = laboratory.claim_plan(second)
    assert not store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec", 1)])
    store.complete(plan)
    damage(client, f"run:{digest('a spec 0')}", "summary")
    for experiment in (first, second):
        assert store.experiment(experiment.id).status is ExperimentStatus.SUCCEEDED
        assert store.run(experiment.id, 0) is None
        now = store.experiment(experiment.id)
        assert (now.status, now.runs_done, now.outcomes) == (ExperimentStatus.FAILED, 1, {"converged": 1})


def test_a_sound_run_that_came_in_the_place_of_a_damaged_one_stays(
    laboratory: Laboratory, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may have computed it again between the look and the taking away."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    laboratory.train(experiment, 0)
    name, run = f"stepbias:run:{digest('a spec 0')}", finished_runs(["a spec 0"])[0].run
    damage(client, f"run:{digest('a spec 0')}", "summary")

    def store_again(*_: object) -> None:
        place = "0123456789abcdef:0"
        summaries, arrays = sealed_page("0123456789abcdef", [run])
        client.hset("stepbias:page:0123456789abcdef", mapping={"summaries": summaries, "arrays": arrays})
        client.hset(name, "page", f"{place}:{checksum((name + place).encode()).decode()}")

    monkeypatch.setattr(RedisStore, "_remember_damage", store_again)
    assert store.run(experiment.id, 0) is None
    assert store.run(experiment.id, 0) == finished_runs(["a spec 0"])[0].run
    assert store.experiment(experiment.id).status is ExperimentStatus.SUCCEEDED


@pytest.mark.parametrize("place", PLACES)
def test_a_damaged_document_makes_room_for_a_new_one(laboratory: Laboratory, client: redis.Redis, place: int) -> None:
    """An analysis, its interpolators, a data set, a figure: what is made again is kept."""
    store = laboratory.store
    store.put_document("analysis", b"{}")
    damage(client, "document:analysis", place=place)
    assert store.document("analysis") is None
    assert store.damaged() == ["analysis"]
    store.put_document("analysis", b"{ }")
    assert store.document("analysis") == b"{ }"


def test_a_document_in_the_place_of_another_is_not_served(laboratory: Laboratory, client: redis.Redis) -> None:
    """Though it is sound in itself."""
    store = laboratory.store
    store.put_document("one", b"1")
    store.put_document("other", b"2")
    client.copy("stepbias:document:one", "stepbias:document:other", replace=True)
    assert (store.document("one"), store.document("other")) == (b"1", None)


@pytest.mark.parametrize("place", PLACES)
def test_a_damaged_checkpoint_is_not_gone_on_from(laboratory: Laboratory, client: redis.Redis, place: int) -> None:
    """The job begins from its beginning."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    store.save_checkpoint(claim, b"state")
    damage(client, f"experiment:{experiment.id}:checkpoints", claim.job.id, place)
    assert store.checkpoint(claim.job) is None
    assert store.damaged() == [f"checkpoint of {claim.job.id}"]
    store.save_checkpoint(claim, b"state")
    assert store.checkpoint(claim.job) == b"state"


@pytest.mark.parametrize("place", PLACES)
def test_a_damaged_spec_is_not_believed(laboratory: Laboratory, client: redis.Redis, place: int) -> None:
    """It is what everything else is computed from: nothing can stand for it."""
    store = laboratory.store
    experiment = laboratory.submit()
    damage(client, f"experiment:{experiment.id}:spec", place=place)
    with pytest.raises(BrokenSeal, match=f"spec of {experiment.id} is damaged"):
        store.spec(experiment.id)
    assert store.damaged() == [f"spec of {experiment.id}"]


def test_damage_that_cannot_be_noted_down_is_found_all_the_same(laboratory: Laboratory, client: redis.Redis) -> None:
    """A full server refuses the note, and still takes the run away."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    laboratory.train(experiment, 0)
    damage(client, f"run:{digest('a spec 0')}", "summary")
    client.config_set("maxmemory", 1)
    try:
        assert store.run(experiment.id, 0) is None
        assert store.experiment(experiment.id).runs_done == 1
    finally:
        client.config_set("maxmemory", 0)
    assert not store.damaged()


FIELDS = ("runs_done", "outcomes", "queued", "plan", "name", "work_done", "generation", "created_at")


@pytest.mark.parametrize("field", FIELDS)
def test_a_damaged_record_is_not_served_and_planned_anew(
    laboratory: Laboratory, client: redis.Redis, field: str
) -> None:
    """What it is stays, and what is stored of it is used again."""
    store = laboratory.store
    experiment = laboratory.planned(name="ä", batches=1)
    laboratory.train(experiment, 0)
    before = store.experiment(experiment.id)
    damage(client, f"experiment:{experiment.id}", field, place=0)
    now = store.experiment(experiment.id)
    assert (now.status, now.runs_done, now.outcomes, now.jobs_total) == (ExperimentStatus.PLANNING, 0, {}, 1)
    assert (now.name, now.tags, now.created_at) == (before.name, before.tags, before.created_at)
    assert store.damaged() == [f"record of experiment {experiment.id}"]
    plan = store.claim(Queue.INTERACTIVE, worker="w")
    assert plan is not None
    assert not store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec", 1)])
    store.complete(plan)
    assert replace(store.experiment(experiment.id), finished_at=None) == replace(
        before, finished_at=None, jobs_total=1, jobs_done=1, runs_reused=2
    )


def test_a_cancelled_experiment_stays_cancelled_when_it_is_repaired(
    laboratory: Laboratory, client: redis.Redis
) -> None:
    """Nobody wants it any more."""
    experiment = laboratory.planned()
    laboratory.store.cancel(experiment.id)
    damage(client, f"experiment:{experiment.id}", "running")
    assert laboratory.store.experiment(experiment.id).status is ExperimentStatus.CANCELLED
    assert laboratory.store.claim(Queue.INTERACTIVE, worker="w") is None


def test_the_holder_of_a_damaged_job_has_lost_it(laboratory: Laboratory, client: redis.Redis) -> None:
    """Its experiment is planned anew, by whoever sees it first."""
    experiment = laboratory.planned()
    claim = laboratory.claim(f"{experiment.id}.0")
    damage(client, f"job:{claim.job.id}", "payload")
    with pytest.raises(LeaseLost):
        laboratory.store.heartbeat(claim, fraction=0.5)
    assert laboratory.store.experiment(experiment.id).status is ExperimentStatus.PLANNING
    assert [job.id for job in laboratory.store.jobs(experiment.id)] != [claim.job.id]


def test_a_record_that_is_damaged_in_both_places_is_told_of(laboratory: Laboratory, client: redis.Redis) -> None:
    """Nobody is given it for another; the list goes on without it, and its spec can be submitted again."""
    store = laboratory.store
    lost, other = laboratory.planned(), laboratory.planned("other")
    damage(client, f"experiment:{lost.id}", "name" if lost.name else "tags")
    damage(client, f"experiment:{lost.id}:birth")
    with pytest.raises(BrokenSeal, match=f"record of experiment {lost.id}"):
        store.experiment(lost.id)
    assert [each.id for each in store.experiments().experiments] == [other.id]
    again = laboratory.submit()
    assert again.id != lost.id
    assert laboratory.claim_plan(again).job.experiment_id == again.id
    store.audit(most=10)
    assert f"record of experiment {lost.id}" in store.damaged()
    store.delete(lost.id)
    with pytest.raises(ExperimentNotFound):
        store.experiment(lost.id)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("done", lambda client, key: client.setbit(key, 1, 0)),
        ("jobs", lambda client, key: client.rpop(key)),
        ("backlog:batch", lambda client, key: client.delete(key)),
        ("dead", lambda client, key: client.sadd(key, "nobody")),
    ],
)
def test_an_audit_finds_what_does_not_agree(
    laboratory: Laboratory, client: redis.Redis, key: str, change: Callable[[redis.Redis, str], object]
) -> None:
    """Each record is sound in itself."""
    experiment = laboratory.planned()
    laboratory.train(experiment, 0)
    laboratory.store.audit(most=10)
    assert not laboratory.store.damaged()
    change(client, f"stepbias:experiment:{experiment.id}:{key}")
    laboratory.store.audit(most=10)
    assert laboratory.store.damaged() == [f"record of experiment {experiment.id}"]
    assert laboratory.store.experiment(experiment.id).status is ExperimentStatus.PLANNING


@pytest.mark.parametrize(
    "change",
    [
        lambda client, _: client.delete("stepbias:webhooks"),
        lambda client, each: client.zadd("stepbias:webhooks", {each: 1e300}),
        lambda client, _: client.delete("stepbias:webhooks:owners"),
        lambda client, each: damage(client, f"experiment:{each}:webhook", "attempts"),
        lambda client, each: damage(client, f"experiment:{each}:webhook", "state"),
    ],
)
def test_an_end_is_told_whatever_becomes_of_what_is_noted_of_it(
    laboratory: Laboratory, client: redis.Redis, change: Callable[[redis.Redis, str], object]
) -> None:
    """Nobody would hear of one whose place in the line is lost, or of which it is believed that all was tried."""
    store = laboratory.store
    told = store.submit(
        spec=b"a", content_hash="a", name="", tags=[], runs=1, wishes=Wishes(webhook="https://a.example/")
    ).experiment.id
    store.cancel(told)
    (first,) = store.due_webhooks(most=9, seconds=0.0)
    store.note_webhook(first, WebhookState.PENDING, status=500)
    change(client, told)
    assert store.webhook(told).state is WebhookState.PENDING
    store.audit(most=10)
    laboratory.wait(0.001)
    (again,) = store.due_webhooks(most=9, seconds=0.0)
    assert again.experiment_id == told
    store.note_webhook(again, WebhookState.DELIVERED, status=200)
    for _ in range(2):
        store.audit(most=10)
        assert store.due_webhooks(most=9, seconds=0.0) == []
    assert store.webhook(told).state is WebhookState.DELIVERED


@pytest.mark.parametrize("state", ["succeeded", "another experiment's"])
def test_a_turn_of_a_job_that_does_not_wait_keeps_nobody_waiting(
    laboratory: Laboratory, client: redis.Redis, state: str
) -> None:
    """A flipped bit may make one job's name another's: what waits comes by its turn all the same."""
    experiment, other = laboratory.planned(), laboratory.planned("other")
    laboratory.train(experiment, 0)
    (waiting,) = client.zrange(f"stepbias:experiment:{experiment.id}:backlog:batch", 0, 0)
    wrong = f"{experiment.id}.0" if state == "succeeded" else f"{other.id}.0"
    backlog = f"stepbias:experiment:{experiment.id}:backlog:batch"
    client.zrem(backlog, waiting)
    client.zadd(backlog, {wrong: -1.0})
    claimed = set()
    for queue in (*Queue, *Queue, *Queue):
        while (claim := laboratory.store.claim(queue, worker="w")) is not None:
            claimed.add(claim.job.experiment_id)
            laboratory.store.fail(claim, "enough", is_hopeless=True)
    assert claimed == {experiment.id, other.id}


def test_a_damaged_count_of_users_keeps_what_is_used(laboratory: Laboratory, client: redis.Redis) -> None:
    """A run that two experiments share stays when one of them is deleted, whatever is counted."""
    store = laboratory.store
    first = laboratory.planned(batches=1)
    laboratory.train(first, 0)
    run = f"run:{digest('a spec 0')}"
    damage(client, run, "users", place=0)
    store.delete(first.id)
    while store.clear_garbage(most=10):
        pass
    assert client.hexists(page_of(client, digest("a spec 0")), "summaries")
    assert not client.exists(f"stepbias:run:{digest('a spec 1')}")


def test_a_damaged_outcome_is_mended_from_the_summary(laboratory: Laboratory, client: redis.Redis) -> None:
    """Before anybody counts it."""
    store = laboratory.store
    first = laboratory.planned(batches=1)
    laboratory.train(first, 0)
    damage(client, f"run:{digest('a spec 0')}", "outcome")
    second = laboratory.submit(name="again", runs=2)
    plan = laboratory.claim_plan(second)
    store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec", 1)])
    assert store.experiment(second.id).outcomes == {"converged": 2}
    assert store.damaged() == [f"outcome of run {digest('a spec 0')}"]


def test_damaged_runs_are_not_used_again(laboratory: Laboratory, client: redis.Redis) -> None:
    """They are computed again by whoever plans them next."""
    store = laboratory.store
    first = laboratory.planned(batches=1)
    laboratory.train(first, 0)
    damage(client, f"run:{digest('a spec 1')}", "arrays")
    plan = laboratory.claim_plan(laboratory.submit(name="again", runs=2))
    assert store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec", 1)]) == [1]


@pytest.mark.parametrize("field", ["generation", "queued", "cancel", "numerics"])
def test_every_bit_of_a_field_counts(laboratory: Laboratory, client: redis.Redis, field: str) -> None:
    """Whatever bytes come of it, everybody goes on, and the experiment is what it was."""
    store = laboratory.store
    for bit in range(8):
        experiment = laboratory.planned(f"spec {bit}", batches=1)
        laboratory.train(experiment, 0, f"spec {bit}")
        if field == "cancel":
            experiment = laboratory.planned(f"other {bit}", batches=1)
            store.cancel(experiment.id)
        name = f"stepbias:experiment:{experiment.id}"
        before = client.hget(name, field)
        client.hset(name, field, bytes([before[0] ^ 1 << bit]) + before[1:])
        store.audit(most=100)
        now = store.experiment(experiment.id)
        wanted = ExperimentStatus.CANCELLED if field == "cancel" else ExperimentStatus.PLANNING
        assert (now.status, now.numerics) == (wanted, experiment.numerics)
        if field != "cancel":
            plan = store.claim(Queue.INTERACTIVE, worker="w")
            assert plan is not None
            store.cancel(experiment.id)


def test_what_a_cancelled_experiment_had_stored_stays_in_sight(laboratory: Laboratory, client: redis.Redis) -> None:
    """Also where its record is damaged, or it was being planned anew."""
    store = laboratory.store
    for number, again in enumerate((True, False)):
        text = f"spec {number}"
        experiment = laboratory.planned(text)
        laboratory.train(experiment, 0, text)
        if again:
            damage(client, f"experiment:{experiment.id}", "queued")
            assert store.experiment(experiment.id).status is ExperimentStatus.PLANNING
            store.cancel(experiment.id)
        else:
            store.cancel(experiment.id)
            damage(client, f"experiment:{experiment.id}", "queued")
        now = store.experiment(experiment.id)
        assert (now.status, now.runs_done) == (ExperimentStatus.CANCELLED, 2)
        assert [each is None for each in store.summaries(experiment.id, 0, 4)] == [False, False, True, True]
    store.audit(most=10)
    assert len(store.damaged()) == 2


def test_what_another_version_has_finished_stays_of_that_version(laboratory: Laboratory, client: redis.Redis) -> None:
    """Also when it is damaged; who finds it makes no experiment of its own of it."""
    old, new = laboratory.of_version("1"), laboratory.of_version("2")
    experiment = old.planned(batches=1)
    old.train(experiment, 0)
    client.setbit(f"stepbias:experiment:{experiment.id}:done", 0, 0)
    new.store.audit(most=10)
    assert new.store.experiment(experiment.id).status is ExperimentStatus.SUCCEEDED
    damage(client, f"experiment:{experiment.id}", "numerics")
    assert new.store.experiment(experiment.id).numerics == "1"


def test_leases_of_before_are_no_damage(laboratory: Laboratory) -> None:
    """Workers of an old version may still train what a new one plans anew."""
    old, new = laboratory.of_version("1"), laboratory.of_version("2")
    experiment = old.planned()
    old.claim(f"{experiment.id}.0")
    assert new.store.plan_anew("1", most=10) == [experiment.id]
    new.store.audit(most=10)
    assert not new.store.damaged()


def test_a_damaged_record_of_before_is_of_no_consequence(laboratory: Laboratory, client: redis.Redis) -> None:
    """It only waits to be cleared away."""
    old, new = laboratory.of_version("1"), laboratory.of_version("2")
    experiment = old.planned()
    new.store.plan_anew("1", most=10)
    damage(client, f"job:{experiment.id}.0", "payload")
    assert new.store.job(f"{experiment.id}.0") is None
    for _ in range(20):
        new.store.sweep(most=100, grace=0.0)
    assert not new.store.damaged()
    assert new.store.claim(Queue.INTERACTIVE, worker="w") is not None


def test_an_error_in_a_script_is_no_damage(laboratory: Laboratory) -> None:
    """What it has changed until then is sealed, and the error is told as one of ours."""
    experiment = laboratory.planned()
    claim = laboratory.claim(f"{experiment.id}.0")
    with pytest.raises(redis.ResponseError, match=r"^BUG "):
        laboratory.store._scripts(Script.HEARTBEAT, claim.job.id, claim.token, 10.0, "no number")  # type: ignore[attr-defined]  # a test may look inside
    laboratory.store.heartbeat(claim, fraction=0.5)
    assert not laboratory.store.damaged()


def test_a_retry_of_what_is_cancelled_meanwhile_queues_nothing(laboratory: Laboratory) -> None:
    """A retry goes in pieces, and a cancel may come between two of them."""
    store = laboratory.store
    experiment = laboratory.planned()
    for number in range(2):
        laboratory.kill(f"{experiment.id}.{number}")
    ask = (Script.RETRY, experiment.id, experiment.numerics, "a wish", 0, 1, 0)
    left, _ = store._scripts(*ask)  # type: ignore[attr-defined]  # a test may look inside
    assert left == 1
    store.cancel(experiment.id)
    left, _ = store._scripts(*ask)  # type: ignore[attr-defined]  # as above
    assert left == 0
    assert store.claim(Queue.BATCH, worker="w") is None
    store.audit(most=10)
    assert not store.damaged()


def test_an_upload_outlives_the_damage_of_its_description(laboratory: Laboratory, client: redis.Redis) -> None:
    """It can be described again by uploading it again, or be removed."""
    store = laboratory.store
    assert store.keep_upload("x", arrays=b"arrays", description=b"{}")
    assert store.keep_upload("y", arrays=b"arrays", description=b"{}")
    damage(client, "document:dataset-description:y")
    assert store.document("dataset-description:y") is None
    for _ in range(20):
        assert not store.sweep(most=100, grace=0.0)
    assert store.document("dataset:y") == b"arrays"
    assert store.is_upload("y")
    assert [each.description for each in store.uploads(limit=1)] == [b"{}"]
    store.drop_documents(["dataset-description:y", "dataset:y"])
    assert not store.is_upload("y")


def test_a_figure_is_asked_for_again_though_the_clock_was_set_back(laboratory: Laboratory, client: redis.Redis) -> None:
    """What is to be forgotten after half a minute is remembered for two hours more; a worker may have died over it."""
    request = FigureRequest(experiment_id="e", figure="risk", format="svg", key="k")
    assert laboratory.store.request_figure(request, seconds=30.0)
    assert not laboratory.store.request_figure(request, seconds=30.0)
    client.pexpire("stepbias:asked:k", 7_230_000)
    assert laboratory.store.request_figure(request, seconds=30.0)


def test_figures_are_drawn_by_workers_of_the_version_that_is_asked(laboratory: Laboratory) -> None:
    """Others would keep other numbers under the same name."""
    old, new = laboratory.of_version("1").store, laboratory.of_version("2").store
    old.request_figure(figure_request(), seconds=10.0)
    assert (new.work_waiting(Queue.INTERACTIVE, most=9), new.next_figure()) == (0, None)
    assert old.next_figure() == figure_request()


def test_absurd_numbers_do_no_lasting_harm(laboratory: Laboratory, client: redis.Redis) -> None:
    """A flipped score is put right by the audit; what was numbered meanwhile has numbers that cursors can hold."""
    first = laboratory.planned()
    client.zadd("stepbias:experiments", {first.id: 2.0**60})
    turns = f"stepbias:flows:batch:{first.numerics}"
    client.zadd(turns, {client.zrange(turns, 0, 0)[0]: 1e300})
    others = [laboratory.planned(f"other {number}") for number in range(2)]
    laboratory.store.audit(most=10)
    listed = [each.id for each in laboratory.store.experiments(limit=1).experiments]
    cursor = laboratory.store.experiments(limit=1).next_cursor
    assert listed + [each.id for each in laboratory.store.experiments(cursor=cursor).experiments] == [
        each.id for each in (*reversed(others), first)
    ]
    assert laboratory.store.claim(Queue.BATCH, worker="w") is not None
    assert float(client.get(f"{turns}:now")) < 1e15


def test_keys_are_recorded_in_pieces(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the answer of one call."""
    monkeypatch.setattr("jobs.redis_store.jobs.KEYS_AT_ONCE", 3)
    first = laboratory.planned(batches=4)
    laboratory.train(first, 0)
    plan = laboratory.claim_plan(laboratory.submit(name="again", runs=8))
    keys = [digest(label) for label in laboratory.labels("a spec", 4)]
    assert list(laboratory.store.set_run_keys(plan, 0, keys)) == [2, 3, 4, 5, 6, 7]


def test_the_fields_of_records_are_part_of_the_schema() -> None:
    """A seal over other fields is a broken one: with others than these first ones, the schema gets another number."""
    first = [*EXPERIMENT_FIELDS[: FIRST_FIELDS[EXPERIMENT_FIELDS]], "/", *JOB_FIELDS[: FIRST_FIELDS[JOB_FIELDS]]]
    assert (SCHEMA, digest(" ".join(first))[:16]) == ("5", "27865949c466864a")
