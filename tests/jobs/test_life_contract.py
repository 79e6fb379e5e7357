"""What both stores promise about names, tags, notes, wishes and places of experiments, and about kept answers."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from jobs.connection import connect
from jobs.errors import EditedMeanwhile, ExperimentNotFound, TooManyTags
from jobs.ports import BACKGROUND_CHARGE, MOST_TAGS
from jobs.records import Experiment, Filters, Known, Labels, NewJob, Priority, Queue, Submission, Wishes
from jobs.redis_store import RedisStore
from jobs.redis_store.fields import EXPERIMENT_FIELDS
from jobs.states import ExperimentStatus
from tests.jobs.laboratory import SETTINGS, Laboratory, digest, train_job


def submit(laboratory: Laboratory, text: str = "a spec", *, tags: tuple[str, ...] = (), **wishes: object) -> Submission:
    """A spec of one run."""
    return laboratory.store.submit(
        spec=text.encode(),
        content_hash=digest(text),
        name="",
        tags=tags,
        runs=1,
        wishes=Wishes(**wishes),  # type: ignore[arg-type]  # any of them
    )


def tagged(laboratory: Laboratory, tag: str) -> list[str]:
    """The ids found by a tag."""
    return [each.id for each in laboratory.store.experiments(Filters(tags=(tag,))).experiments]


def test_the_same_spec_under_another_tag_is_found_by_both(laboratory: Laboratory) -> None:
    """The answer says which tags were taken over, each once."""
    first = submit(laboratory, tags=("one",))
    second = submit(laboratory, tags=("zwei/ä", "one", "zwei/ä"))
    assert (second.is_new, second.experiment.id) == (False, first.experiment.id)
    assert (first.tags_added, second.tags_added) == ((), ("zwei/ä",))
    assert second.experiment.tags == ("one", "zwei/ä")
    for tag in ("one", "zwei/ä"):
        assert tagged(laboratory, tag) == [first.experiment.id]
    assert submit(laboratory, tags=("one",)).tags_added == ()


def test_tags_are_united_up_to_a_number(laboratory: Laboratory) -> None:
    """Beyond it the submission is refused, and nothing has changed."""
    experiment = submit(laboratory, tags=tuple(str(number) for number in range(MOST_TAGS))).experiment
    with pytest.raises(TooManyTags):
        submit(laboratory, tags=("one more",))
    assert laboratory.store.experiment(experiment.id) == experiment
    assert not tagged(laboratory, "one more")


def test_an_experiment_is_edited_part_by_part(laboratory: Laboratory) -> None:
    """What is not given stays; it is found by its new tags and no longer by the old ones."""
    store = laboratory.store
    experiment = submit(laboratory, tags=("old",)).experiment
    assert store.edit(experiment.id, name="näher").name == "näher"
    assert store.edit(experiment.id, tags=["new"]).tags == ("new",)
    assert store.edit(experiment.id, notes="see η*").name == "näher"
    assert store.notes(experiment.id) == "see η*"
    assert (tagged(laboratory, "old"), tagged(laboratory, "new")) == ([], [experiment.id])
    assert [each.name for each in store.experiments(Filters(name="NÄH")).experiments] == ["näher"]
    assert store.edit(experiment.id, tags=[], notes="").tags == ()
    assert store.notes(experiment.id) == ""
    with pytest.raises(ExperimentNotFound):
        store.edit("nobody", name="x")


def test_tags_are_added_and_removed_by_all_who_do_at_once(laboratory: Laboratory) -> None:
    """None takes away what another has added; each is there once, and no more than may be."""
    store, experiment = laboratory.store, submit(laboratory, tags=("old", "stays")).experiment
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.edit(experiment.id, add_tags=[f"t{number}", "all"]), range(40)))
    tags = store.edit(experiment.id, remove_tags=["old", "never"], add_tags=["t0"]).tags
    assert sorted(tags) == sorted(["stays", "all", *(f"t{number}" for number in range(40))])
    assert (tagged(laboratory, "old"), tagged(laboratory, "t39")) == ([], [experiment.id])
    assert store.edit(experiment.id, remove_tags=tags).tags == ()
    assert store.edit(experiment.id, tags=["a", "b"], remove_tags=["a", "c"], add_tags=["c", "c"]).tags == ("b", "c")
    with pytest.raises(TooManyTags):
        store.edit(experiment.id, name="x", add_tags=[str(number) for number in range(MOST_TAGS - 1)])
    assert (store.experiment(experiment.id).name, store.experiment(experiment.id).tags) == ("", ("b", "c"))


def test_an_edit_may_expect_what_it_edits(laboratory: Laboratory) -> None:
    """Otherwise nothing is edited; unless it is so already, for it may be the same edit, sent again."""
    store, experiment = laboratory.store, submit(laboratory, tags=("a", "ä")).experiment
    known = Labels(name="", tags=("a", "ä"), notes="")
    edited = store.edit(experiment.id, name="one", notes="η", expected=known)
    assert (edited.name, store.notes(experiment.id)) == ("one", "η")
    assert store.edit(experiment.id, name="one", notes="η", expected=known).name == "one"
    now = Labels(name="one", tags=("a", "ä"), notes="η")
    for other in (known, replace(now, name=""), replace(now, tags=("a",)), replace(now, notes="")):
        with pytest.raises(EditedMeanwhile):
            store.edit(experiment.id, name="two", expected=other)
    assert store.experiment(experiment.id).name == "one"
    assert store.edit(experiment.id, name="two", expected=now).name == "two"


def _known(laboratory: Laboratory, experiment: Experiment) -> Known:
    record = laboratory.store.experiment(experiment.id)
    labels = Labels(name=record.name, tags=record.tags, notes=laboratory.store.notes(record.id))
    return Known(labels=labels, status=record.status, finished_at=record.finished_at)


def test_what_is_told_to_an_experiment_is_told_to_what_was_seen_alone(laboratory: Laboratory) -> None:
    """Another name, other notes, another status, or another end of the same kind: it is left as it is."""
    store, experiment = laboratory.store, laboratory.submit()
    seen = _known(laboratory, experiment)
    store.edit(experiment.id, notes="wait")
    with pytest.raises(EditedMeanwhile):
        store.cancel(experiment.id, expected=seen)
    seen = _known(laboratory, experiment)
    store.fail(laboratory.claim_plan(experiment), "boom", is_hopeless=True)
    for act in (store.cancel, store.delete, store.retry):
        with pytest.raises(EditedMeanwhile):
            act(experiment.id, expected=seen)
    failed = _known(laboratory, experiment)
    assert store.retry(experiment.id, expected=failed).status is ExperimentStatus.PLANNING
    store.fail(laboratory.claim_plan(experiment), "boom", is_hopeless=True)
    with pytest.raises(EditedMeanwhile):
        store.delete(experiment.id, expected=failed)
    store.edit(experiment.id, name="renamed")
    with pytest.raises(EditedMeanwhile):
        store.delete(experiment.id, expected=replace(failed, finished_at=store.experiment(experiment.id).finished_at))
    store.delete(experiment.id, expected=_known(laboratory, experiment))
    assert store.records([experiment.id]) == {}


def test_a_cancel_whose_reply_was_lost_is_told_again(laboratory: Laboratory) -> None:
    """What is cancelled is as it was wished to be."""
    store, experiment = laboratory.store, laboratory.submit()
    seen = _known(laboratory, experiment)
    for _ in range(2):
        assert store.cancel(experiment.id, expected=seen).status is ExperimentStatus.CANCELLED


def test_a_renamed_experiment_answers_for_its_spec_under_its_new_name(laboratory: Laboratory) -> None:
    """And no longer under the old one; where another one does already, that goes on."""
    first = laboratory.submit(name="one")
    laboratory.store.edit(first.id, name="two")
    assert laboratory.submit(name="two").id == first.id
    second = laboratory.submit(name="one")
    assert second.id != first.id
    laboratory.store.edit(second.id, name="two")
    assert laboratory.submit(name="two").id == first.id


def test_notes_go_with_their_experiment(laboratory: Laboratory) -> None:
    """So does its id."""
    store, experiment = laboratory.store, laboratory.submit()
    store.edit(experiment.id, notes="x")
    store.cancel(experiment.id)
    assert list(store.ids(experiment.id[:8], most=9)) == [experiment.id]
    store.delete(experiment.id)
    assert (store.notes(experiment.id), list(store.ids(experiment.id[:8], most=9))) == ("", [])


def test_ids_are_found_by_their_beginning(laboratory: Laboratory) -> None:
    """In order, and no more than were asked for."""
    made = sorted(laboratory.submit(str(number)).id for number in range(20))
    store = laboratory.store
    assert list(store.ids("", most=99)) == made
    assert list(store.ids("", most=3)) == made[:3]
    assert list(store.ids(made[4][:9], most=9)) == [made[4]]
    assert list(store.ids("g", most=9)) == []


def test_progress_stays_where_it_was_when_it_is_cancelled(laboratory: Laboratory) -> None:
    """Also what a running batch had come to."""
    store, experiment = laboratory.store, laboratory.planned()
    laboratory.train(experiment, 0)
    store.heartbeat(laboratory.claim(f"{experiment.id}.1"), fraction=0.5)
    assert store.experiment(experiment.id).progress == pytest.approx(0.75)
    assert store.cancel(experiment.id).progress == pytest.approx(0.75)


def test_an_experiment_is_stopped_by_its_first_failure_where_that_was_wished(laboratory: Laboratory) -> None:
    """It is cancelled with the reason, and what runs or waits of it is not done."""
    store = laboratory.store
    experiment = submit(laboratory, stop_at_first_failure=True).experiment
    plan = laboratory.claim_plan(experiment)
    store.add_jobs(plan, [train_job(experiment, number) for number in range(3)])
    store.complete(plan)
    laboratory.kill(f"{experiment.id}.0", "the disk is full")
    now = store.experiment(experiment.id)
    assert (now.status, now.error, now.jobs_dead) == (ExperimentStatus.CANCELLED, "the disk is full", 1)
    assert store.claim(Queue.BATCH, worker="w") is None


def test_a_worker_lost_too_often_is_a_failure_as_well(laboratory: Laboratory) -> None:
    """What the janitor finds."""
    experiment = submit(laboratory, stop_at_first_failure=True).experiment
    plan = laboratory.claim_plan(experiment)
    laboratory.store.add_jobs(plan, [train_job(experiment, number) for number in range(2)])
    laboratory.store.complete(plan)
    for _ in range(3):
        laboratory.lose(laboratory.claim(f"{experiment.id}.0"))
    assert laboratory.store.experiment(experiment.id).status is ExperimentStatus.CANCELLED


def test_a_job_that_died_stops_nothing_without_the_wish(laboratory: Laboratory) -> None:
    """The others are done."""
    experiment = laboratory.planned()
    laboratory.kill(f"{experiment.id}.0")
    laboratory.train(experiment, 1)
    assert laboratory.store.experiment(experiment.id).status is ExperimentStatus.FAILED


def test_jobs_are_done_by_rank(laboratory: Laboratory) -> None:
    """And of one rank in the order in which they were recorded, whenever that was."""
    store, experiment = laboratory.store, laboratory.submit()
    plan = laboratory.claim_plan(experiment)
    ranks = {"a": 1, "b": 0, "c": 2, "d": 0}
    jobs = [
        NewJob(id=f"{experiment.id}.{name}", queue=Queue.BATCH, payload={}, rank=rank) for name, rank in ranks.items()
    ]
    store.add_jobs(plan, jobs[:3])
    store.add_jobs(plan, jobs[3:])
    claims = [store.claim(Queue.BATCH, worker="w") for _ in ranks]
    assert [claim.job.id[-1] for claim in claims if claim] == ["b", "d", "a", "c"]


def waiting(laboratory: Laboratory, text: str, jobs: int, **wishes: object) -> Experiment:
    """An experiment that is planned, with so many jobs of one second."""
    experiment = submit(laboratory, text, **wishes).experiment
    plan = laboratory.claim_plan(experiment)
    laboratory.store.add_jobs(plan, [train_job(experiment, number, work=1.0) for number in range(jobs)])
    laboratory.store.complete(plan)
    return experiment


def test_what_nobody_waits_for_gets_a_smaller_share(laboratory: Laboratory) -> None:
    """And comes after what somebody waits for, though it was there before."""
    background = waiting(laboratory, "a", 20, priority=Priority.BATCH)
    other = waiting(laboratory, "b", 20)
    turns = []
    for _ in range(2 * (1 + BACKGROUND_CHARGE)):
        claim = laboratory.store.claim(Queue.BATCH, worker="w")
        assert claim is not None
        turns.append(claim.job.experiment_id)
    assert turns[0] == other.id
    assert (turns.count(background.id), turns.count(other.id)) == (2, 2 * BACKGROUND_CHARGE)


def test_plans_in_the_background_do_not_keep_others_waiting(laboratory: Laboratory) -> None:
    """However many there are, who comes last is served next."""
    for number in range(5):
        submit(laboratory, str(number), priority=Priority.BATCH)
    laboratory.store.claim(Queue.INTERACTIVE, worker="w")
    last = laboratory.submit("small")
    claim = laboratory.store.claim(Queue.INTERACTIVE, worker="w")
    assert claim is not None
    assert claim.job.experiment_id == last.id


def test_an_experiment_says_where_it_waits(laboratory: Laboratory) -> None:
    """By queue: how many come before it, and what work they are given until then."""
    store = laboratory.store
    experiments = [laboratory.submit(str(number)) for number in range(3)]
    (place,) = store.places(experiments[2].id)
    assert (place.queue, place.experiments_ahead, place.work_ahead) == (Queue.INTERACTIVE, 2, 2.0)
    laboratory.claim_plan(experiments[0])
    assert store.places(experiments[0].id) == []
    with pytest.raises(ExperimentNotFound):
        store.places("nobody")


def test_turns_are_foretold_by_what_each_was_served(laboratory: Laboratory) -> None:
    """Who has been served less comes first, until it has been served more."""
    store = laboratory.store
    first, second = waiting(laboratory, "a", 9), waiting(laboratory, "b", 9)
    for _ in range(5):
        store.claim(Queue.BATCH, worker="w")
    # Three turns of the first and two of the second have been: the second is next, then both have had as much.
    assert [each.experiments_ahead for each in store.places(second.id)] == [0]
    (place,) = store.places(first.id)
    assert (place.experiments_ahead, place.work_ahead) == (1, 1.0)


def test_the_first_answer_is_kept_until_it_is_replaced_or_its_time_is_over(laboratory: Laboratory) -> None:
    """Each answer says what is kept from now on."""
    store = laboratory.store
    assert store.keep_answer("k", b"one", seconds=60.0, is_first=True) == b"one"
    assert store.keep_answer("k", b"two", seconds=60.0, is_first=True) == b"one"
    assert store.keep_answer("k", b"\x00three", seconds=0.02, is_first=False) == b"\x00three"
    assert store.keep_answer("k", b"four", seconds=60.0, is_first=True) == b"\x00three"
    laboratory.wait(0.05)
    assert store.keep_answer("k", b"five", seconds=60.0, is_first=True) == b"five"
    store.drop_answer("k")
    assert store.keep_answer("k", b"six", seconds=60.0, is_first=True) == b"six"


def test_a_record_that_was_sealed_before_there_were_wishes_is_sound(empty_valkey_url: str) -> None:
    """Fields that came later are under the seal of a record that has them, and of no other; a change is found."""
    first = EXPERIMENT_FIELDS[: EXPERIMENT_FIELDS.index("order")]
    with connect(empty_valkey_url, patience=10.0) as client:
        store = RedisStore(client, SETTINGS)
        plain = store.submit(spec=b"", content_hash=digest("a"), name="", tags=[], runs=1).experiment
        name = f"stepbias:experiment:{plain.id}"
        values = [client.hget(name, field) or b"" for field in first]
        assert hashlib.sha1(b"\n".join([name.encode(), *values])).hexdigest()[:16].encode() == client.hget(name, "seal")
        wished = Wishes(priority=Priority.BATCH)
        other = store.submit(spec=b"", content_hash=digest("b"), name="", tags=[], runs=1, wishes=wished).experiment
        client.hset(f"stepbias:experiment:{other.id}", "priority", "botch")
        assert store.experiment(other.id).wishes == wished
        assert store.damaged() == [f"record of experiment {other.id}"]
