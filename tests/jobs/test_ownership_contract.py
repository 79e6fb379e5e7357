"""What both stores promise about owners, and what a view for one of them keeps apart."""

import json
from dataclasses import replace

import pytest

from jobs.api_keys import KeyScope, new_key
from jobs.connection import connect
from jobs.document_keys import dataset_description_key, dataset_key
from jobs.errors import InUse
from jobs.owned_store import OwnedStore, owned, store_of_experiment
from jobs.ports import Store
from jobs.records import DATA_ANALYSIS, Experiment, FigureRequest, Filters, FinishedRun, Ownership, Queue
from jobs.redis_store import RedisStore
from jobs.redis_store.fields import EXPERIMENT_FIELDS, is_sound
from tests.jobs.conftest import redis_laboratory
from tests.jobs.laboratory import SETTINGS, Laboratory, digest, stored_run

ADA, BEN = Ownership(owner="ada"), Ownership(owner="ben")


def submit(store: Store, text: str = "a spec", *, tags: tuple[str, ...] = ()) -> Experiment:
    """A spec of one run."""
    return store.submit(spec=text.encode(), content_hash=digest(text), name="", tags=tags, runs=1).experiment


def plan(laboratory: Laboratory, experiment: Experiment, key: str) -> tuple[list[int], Store]:
    """Plan its one run as a worker would; what is missing, and the store of the experiment's work."""
    store = store_of_experiment(laboratory.store, experiment.id)
    claim = laboratory.claim_plan(experiment)
    missing = list(store.set_run_keys(claim, 0, [key]))
    if missing:
        store.commit_runs(claim, [FinishedRun(index=0, run=replace(stored_run("x"), key=key))])
    store.complete(claim)
    return missing, store


def test_equal_specs_are_one_experiment_within_an_owner(laboratory: Laboratory) -> None:
    """Nobody's, each owner's, and those of an owner who lets runs be pooled are different ones."""
    views = [laboratory.store, *(owned(laboratory.store, each) for each in (ADA, BEN, replace(ADA, is_pooled=True)))]
    made = [submit(view) for view in views]
    assert len({each.id for each in made}) == len(views)
    assert [submit(view).id for view in views] == [each.id for each in made]
    assert [each.ownership.owner for each in made] == ["", "ada", "ben", "ada"]
    assert [each.ownership.is_pooled for each in made] == [False, False, False, True]
    renamed = laboratory.store.edit(made[1].id, name="two")
    assert submit(views[2]).id == made[2].id
    assert submit(views[1]).id != renamed.id


def test_lists_and_short_ids_are_those_of_an_owner(laboratory: Laboratory) -> None:
    """By tags as well; the operator sees all."""
    ada, ben = owned(laboratory.store, ADA), owned(laboratory.store, BEN)
    hers, his = submit(ada, tags=("t",)), submit(ben, tags=("t",))
    for filters in (Filters(), Filters(tags=("t",))):
        assert [each.id for each in ada.experiments(filters).experiments] == [hers.id]
        assert [each.id for each in ben.experiments(filters).experiments] == [his.id]
        assert len(laboratory.store.experiments(filters).experiments) == 2
    assert list(laboratory.store.ids("", most=9, owner="ada")) == [hers.id]
    assert list(laboratory.store.ids(his.id[:8], most=9, owner="ada")) == []
    laboratory.store.edit(hers.id, tags=["u"])
    assert ada.experiments(Filters(tags=("t",))).experiments == ()
    laboratory.store.cancel(hers.id)
    laboratory.store.delete(hers.id)
    assert ada.experiments().experiments == ()
    assert list(laboratory.store.ids("", most=9, owner="ada")) == []


def test_an_experiment_is_shared_and_no_more(laboratory: Laboratory) -> None:
    """It stays the one that answers for its spec."""
    ada = owned(laboratory.store, ADA)
    experiment = submit(ada)
    assert laboratory.store.edit(experiment.id, shared=True).ownership == Ownership(owner="ada", is_shared=True)
    assert submit(ada).id == experiment.id
    assert laboratory.store.edit(experiment.id, shared=False).ownership == ADA


def test_runs_are_computed_once_for_each_owner(laboratory: Laboratory) -> None:
    """Those of another one are not seen, and stay when hers go."""
    key = digest("a run")
    hers, his = submit(owned(laboratory.store, ADA)), submit(owned(laboratory.store, BEN))
    assert plan(laboratory, hers, key)[0] == [0]
    assert plan(laboratory, his, key)[0] == [0]
    again = submit(owned(laboratory.store, ADA), "another spec")
    assert plan(laboratory, again, key)[0] == []
    assert laboratory.store.experiment(again.id).runs_reused == 1
    for each in (hers, again):
        laboratory.store.delete(each.id)
    while laboratory.store.clear_garbage(most=99):
        pass
    assert laboratory.store.run(his.id, 0) is not None


def test_pooled_runs_are_computed_once_for_all(laboratory: Laboratory) -> None:
    """Under the keys that the runs of nobody have."""
    key = digest("a run")
    nobodys = submit(laboratory.store)
    assert plan(laboratory, nobodys, key)[0] == [0]
    pooled = submit(owned(laboratory.store, replace(ADA, is_pooled=True)))
    assert plan(laboratory, pooled, key)[0] == []


def test_documents_are_kept_apart(laboratory: Laboratory) -> None:
    """Analyses as runs are; uploads always, with the same ids for all."""
    views = {name: owned(laboratory.store, each) for name, each in (("ada", ADA), ("ben", BEN))}
    views["pool"] = owned(laboratory.store, replace(BEN, is_pooled=True))
    for name, view in views.items():
        view.put_document("analysis:4:x", name.encode())
    assert [views[name].document("analysis:4:x") for name in views] == [b"ada", b"ben", b"pool"]
    assert laboratory.store.document("analysis:4:x") == b"pool"
    assert views["ada"].keep_upload("d1", arrays=b"hers", description=b"her words")
    assert not views["ben"].is_upload("d1")
    assert views["ben"].document(dataset_description_key("d1")) is None
    assert views["ben"].keep_upload("d1", arrays=b"his", description=b"his words")
    assert not views["pool"].keep_upload("d1", arrays=b"his", description=b"his words")
    assert [each.description for each in views["ada"].uploads(limit=9)] == [b"her words"]
    assert list(laboratory.store.uploads(limit=9)) == []
    assert views["ada"].document(dataset_key("d1")) == b"hers"


def test_an_upload_is_used_by_experiments_of_its_owner(laboratory: Laboratory) -> None:
    """And goes with those of nobody else."""
    ada, ben = owned(laboratory.store, ADA), owned(laboratory.store, BEN)
    for view in (ada, ben):
        view.keep_upload("d1", arrays=b"x", description=b"y")
    using = ada.submit(spec=b"s", content_hash=digest("s"), name="", tags=[], runs=1, documents=[dataset_key("d1")])
    assert list(ada.upload_users("d1", most=9)) == [using.experiment.id]
    assert list(ben.upload_users("d1", most=9)) == []
    names = [dataset_description_key("d1"), dataset_key("d1")]
    ben.drop_documents(names)
    assert list(ben.uploads(limit=9)) == []
    with pytest.raises(InUse):
        ada.drop_documents(names)
    assert ada.is_upload("d1")


def test_a_worker_is_told_where_the_owner_keeps_what_it_makes(laboratory: Laboratory) -> None:
    """A figure under the experiment's name, the analysis of an upload under its owner's."""
    ada = owned(laboratory.store, ADA)
    ada.request_figure(FigureRequest(experiment_id="e", figure="risk", format="png", key="figure:k"), seconds=1)
    ada.request_figure(
        FigureRequest(experiment_id="d", figure=DATA_ANALYSIS, format="json", key="data-analysis:4:d"), seconds=1
    )
    asked = [laboratory.store.next_figure() for _ in range(2)]
    assert [(each.experiment_id, each.key) for each in asked if each] == [
        ("e", "figure:ada/k"),
        ("ada/d", "data-analysis:ada/4:d"),
    ]


def test_whatever_the_store_can_do_a_view_passes_on_or_does_itself_or_refuses(laboratory: Laboratory) -> None:
    """Nobody adds a method that sees the work of others by forgetting about it."""
    refused = {"adopt", "ids", "tidy", "clear_garbage", "sweep", "audit", "finished_before", "plan_anew", "register"}
    refused |= {"keep_answer", "drop_answer", "keep_key", "key", "keys", "drop_key", "take_request"}
    refused |= {"due_webhooks", "note_webhook"}
    view = owned(laboratory.store, ADA)
    names = {name for name in dir(Store) if not name.startswith("_")}
    assert {name for name in names if not hasattr(view, name)} == refused
    assert {name for name in vars(OwnedStore) if not name.startswith("_")} <= names


def test_keys_are_kept_listed_and_dropped(laboratory: Laboratory) -> None:
    """The key itself is not among what is kept."""
    store = laboratory.store
    key, first = new_key("ada", KeyScope.READ, now=1.0)
    _, second = new_key("ben", KeyScope.ADMIN, now=2.0, seconds=5.0)
    store.keep_key(second)
    store.keep_key(first)
    assert list(store.keys()) == [first, second]
    assert store.key(first.id) == first
    assert first.is_of(key)
    assert not second.is_of(key)
    assert key[-4:] == first.last_four
    assert (second.is_expired(6.9), second.is_expired(7.0)) == (False, True)
    assert (store.drop_key(first.id), store.drop_key(first.id)) == (True, False)
    assert store.key(first.id) is None


def test_a_damaged_key_opens_nothing(empty_valkey_url: str) -> None:
    """Nor is it listed."""
    with connect(empty_valkey_url, patience=10.0) as client:
        store = RedisStore(client, SETTINGS)
        _, kept = new_key("ada", KeyScope.READ, now=1.0)
        store.keep_key(kept)
        client.hset("stepbias:keys", kept.id, client.hget("stepbias:keys", kept.id).replace(b"read", b"admin"))
        assert store.key(kept.id) is None
        assert list(store.keys()) == []


def test_whose_an_experiment_is_is_sealed_and_survives_damage(empty_valkey_url: str) -> None:
    """Its second record tells it where the first one is lost."""
    with connect(empty_valkey_url, patience=10.0) as client:
        store = RedisStore(client, SETTINGS)
        experiment = submit(owned(store, ADA), tags=("t",))
        shared = store.edit(experiment.id, shared=True)
        name = f"stepbias:experiment:{experiment.id}"
        assert is_sound(name, client.hgetall(name), EXPERIMENT_FIELDS)
        client.hset(name, "owner", "ben")
        client.zrem("stepbias:experiments:owner:ada", experiment.id)
        assert store.experiment(experiment.id).ownership == shared.ownership
        assert [each.id for each in owned(store, ADA).experiments(Filters(tags=("t",))).experiments] == [experiment.id]
        assert owned(store, BEN).experiments().experiments == ()
        assert json.loads(client.get(f"{name}:birth")[16:])[-5:-2] == ["ada", False, "1"]
        assert store.claim(Queue.INTERACTIVE, worker="w") is not None


def test_requests_of_a_minute_are_counted_for_each_owner(laboratory: Laboratory) -> None:
    """The minute begins with the first; what is refused is not counted."""
    store = laboratory.store
    taken = [store.take_request("ada", per_minute=2) for _ in range(4)]
    assert [(each.is_taken, each.left) for each in taken] == [(True, 1), (True, 0), (False, 0), (False, 0)]
    assert all(0 < each.seconds <= 60 for each in taken)
    assert store.take_request("ben", per_minute=2).is_taken
    assert store.take_request("ada", per_minute=3).is_taken


def test_no_minute_is_longer_by_a_clock_that_was_set_back(empty_valkey_url: str) -> None:
    """What the server is to forget after a minute it remembers for two hours more."""
    with connect(empty_valkey_url, patience=10.0) as client:
        store = redis_laboratory(client).store
        assert store.take_request("ada", per_minute=1).is_taken
        client.pexpire("stepbias:requests:ada", 7_260_000)
        again = store.take_request("ada", per_minute=1)
        assert again.is_taken
        assert 0 < again.seconds <= 60
