"""What both stores promise about deleting, and about what experiments share."""

from collections.abc import Callable

import pytest

from jobs.errors import DocumentGone, EditedMeanwhile, ExperimentNotFound, InUse, StillActive
from jobs.ports import Store
from jobs.records import Experiment, Filters
from jobs.states import ExperimentStatus
from tests.jobs.laboratory import Laboratory, digest, train_job


def clear(store: Store) -> None:
    """Clear all garbage, two pieces at a time."""
    while store.clear_garbage(most=2):
        pass


def succeeded(laboratory: Laboratory, text: str = "a spec", *, name: str = "") -> Experiment:
    """An experiment of four runs that is finished."""
    experiment = laboratory.planned(text, name=name)
    for number in range(2):
        laboratory.train(experiment, number, text)
    return laboratory.store.experiment(experiment.id)


def replanned(laboratory: Laboratory, text: str = "a spec", *, name: str = "") -> list[int]:
    """The indices of the runs that a new experiment of the same keys does not find stored; it ends without them."""
    claim = laboratory.claim_plan(laboratory.submit(text, name=name))
    missing = laboratory.store.set_run_keys(claim, 0, [digest(label) for label in laboratory.labels(text)])
    laboratory.store.complete(claim)
    return list(missing)


def test_what_is_deleted_is_nowhere_to_be_found(laboratory: Laboratory) -> None:
    """Not by its id, nor in any list, nor its jobs; and deleting it again finds nothing."""
    store = laboratory.store
    experiment, other = succeeded(laboratory, name="one"), laboratory.submit("other", name="other")
    store.delete(experiment.id)
    questions: tuple[Callable[[str], object], ...] = (
        store.experiment,
        store.spec,
        store.jobs,
        store.cancel,
        store.retry,
        store.delete,
        lambda each: store.summaries(each, 0, 4),
        lambda each: store.run(each, 0),
        store.first_missing,
        lambda each: store.keep_document(each, "results", b"all"),
    )
    for ask in questions:
        with pytest.raises(ExperimentNotFound):
            ask(experiment.id)
    assert store.job(train_job(experiment, 0).id) is None
    for page in (store.experiments(), store.experiments(Filters(tags=("thesis",)))):
        assert [each.id for each in page.experiments] == [other.id]
    assert not store.experiments(Filters(name="one")).experiments
    assert not store.experiments(Filters(statuses=(ExperimentStatus.SUCCEEDED,))).experiments


def test_only_what_is_finished_is_deleted(laboratory: Laboratory) -> None:
    """In each of the states before, it is refused and stays as it is; a cancel makes it possible."""
    store = laboratory.store
    experiment = laboratory.submit()
    with pytest.raises(StillActive, match="planning"):
        store.delete(experiment.id)
    experiment = laboratory.planned()
    laboratory.claim(train_job(experiment, 0).id)
    with pytest.raises(StillActive, match="running"):
        store.delete(experiment.id)
    store.cancel(experiment.id)
    store.delete(experiment.id)
    assert not store.experiments().experiments


def test_an_equal_spec_is_a_new_experiment_after_a_deletion(laboratory: Laboratory) -> None:
    """It computes afresh what was nobody else's."""
    experiment = succeeded(laboratory)
    laboratory.store.delete(experiment.id)
    clear(laboratory.store)
    assert laboratory.submit().id != experiment.id
    assert replanned(laboratory) == [0, 1, 2, 3]


def test_runs_that_another_experiment_uses_stay(laboratory: Laboratory) -> None:
    """Whoever computed them; only with the last experiment do they go."""
    store = laboratory.store
    first = succeeded(laboratory, name="first")
    assert replanned(laboratory, name="second") == []
    second = store.experiments(Filters(name="second")).experiments[0]
    summaries = store.summaries(first.id, 0, 4)
    store.delete(first.id)
    clear(store)
    assert store.summaries(second.id, 0, 4) == summaries
    assert replanned(laboratory, name="third") == []
    third = store.experiments(Filters(name="third")).experiments[0]
    for each in (second, third):
        store.delete(each.id)
    clear(store)
    assert replanned(laboratory, name="fourth") == [0, 1, 2, 3]


def test_a_run_that_is_planned_before_the_garbage_is_cleared_stays(laboratory: Laboratory) -> None:
    """It is nobody's for a moment, but not gone."""
    laboratory.store.delete(succeeded(laboratory).id)
    assert replanned(laboratory, name="again") == []
    clear(laboratory.store)
    (again,) = laboratory.store.experiments(Filters(name="again")).experiments
    assert None not in laboratory.store.summaries(again.id, 0, 4)


def test_keys_that_are_recorded_twice_are_used_once(laboratory: Laboratory) -> None:
    """A planner that died after the call says it again."""
    store = laboratory.store
    experiment = laboratory.submit()
    claim = laboratory.claim_plan(experiment)
    keys = [digest(label) for label in laboratory.labels("a spec")]
    for _ in range(3):
        store.set_run_keys(claim, 0, keys)
    store.set_run_keys(claim, 2, keys[2:])
    store.add_jobs(claim, [train_job(experiment, number) for number in range(2)])
    store.complete(claim)
    for number in range(2):
        laboratory.train(experiment, number)
    store.delete(experiment.id)
    clear(store)
    assert replanned(laboratory) == [0, 1, 2, 3]


def test_an_experiment_that_is_planned_anew_keeps_its_runs(laboratory: Laboratory) -> None:
    """They are nobody else's, and it may want them again; afterwards they are its own as before."""
    store = laboratory.store
    experiment = laboratory.planned()
    laboratory.train(experiment, 0)
    other = laboratory.of_version("another")
    assert list(other.store.plan_anew("another", most=9)) == []
    own = laboratory.store.experiment(experiment.id).numerics
    assert list(other.store.plan_anew(own, most=9)) == [experiment.id]
    clear(store)
    claim = other.store.claim(store.jobs(experiment.id)[0].queue, worker="w")
    assert claim is not None
    keys = [digest(label) for label in laboratory.labels("a spec")]
    assert list(other.store.set_run_keys(claim, 0, keys)) == [2, 3]
    other.store.complete(claim)
    clear(store)
    assert None not in store.summaries(experiment.id, 0, 2)
    store.cancel(experiment.id)
    store.delete(experiment.id)
    clear(store)
    assert replanned(laboratory) == [0, 1, 2, 3]


def test_a_document_is_kept_for_as_long_as_an_experiment_uses_it(laboratory: Laboratory) -> None:
    """Used by two, and by one of them twice."""
    store = laboratory.store
    experiments = [laboratory.submit(text) for text in ("one", "two")]
    claims = [laboratory.claim_plan(each) for each in experiments]
    for claim in (*claims, claims[0]):
        store.use_documents(claim, ["analysis"])
    store.put_document("analysis", b"of a problem")
    for number, each in enumerate(experiments):
        store.fail(claims[number], "boom", is_hopeless=True)
        assert store.document("analysis") == b"of a problem"
        store.delete(each.id)
        clear(store)
    assert store.document("analysis") is None


def test_a_document_that_is_kept_with_an_experiment_goes_with_it(laboratory: Laboratory) -> None:
    """The last one that was kept; neither swept nor dropped before."""
    store = laboratory.store
    experiment = succeeded(laboratory)
    for document in (b"made", b"made again"):
        store.keep_document(experiment.id, "results", document)
    assert swept(store, grace=0.0) == set()
    with pytest.raises(InUse):
        store.drop_documents(["results"])
    assert store.document("results") == b"made again"
    store.delete(experiment.id)
    clear(store)
    assert store.document("results") is None


def test_an_upload_outlives_the_experiments_that_use_it(laboratory: Laboratory) -> None:
    """It is removed by itself, which is refused while an experiment uses it; right after that all of it goes."""
    store = laboratory.store
    parts = ["dataset-description:x", "dataset:x"]
    for part in parts:
        store.put_document(part, part.encode())
    submission = store.submit(spec=b"{}", content_hash=digest("{}"), name="", tags=(), runs=1, documents=["dataset:x"])
    with pytest.raises(InUse):
        store.drop_documents(parts)
    store.cancel(submission.experiment.id)
    store.delete(submission.experiment.id)
    assert [store.document(part) for part in parts] == [part.encode() for part in parts]
    assert not [name for name in swept(store, grace=0.0) if name.startswith("document:")]
    store.drop_documents(parts)
    store.drop_documents(parts)
    assert [store.document(part) for part in parts] == [None, None]


def test_documents_that_are_not_as_they_were_seen_stay(laboratory: Laboratory) -> None:
    """All of them, whichever it is that has changed; one that is gone is not as it was seen either."""
    store = laboratory.store
    parts = ["dataset-description:x", "dataset:x"]
    for part in parts:
        store.put_document(part, part.encode())
    for seen in ({"dataset-description:x": b"another"}, {"dataset:x": b"dataset:x", "dataset:y": b"dataset:y"}):
        with pytest.raises(EditedMeanwhile):
            store.drop_documents(parts, expected=seen)
    assert [store.document(part) for part in parts] == [part.encode() for part in parts]
    store.drop_documents(parts, expected={part: part.encode() for part in parts})
    assert [store.document(part) for part in parts] == [None, None]


def test_the_sweep_finds_documents_of_nobody(laboratory: Laboratory) -> None:
    """Those that were made for an experiment deleted meanwhile, and half an upload; only after the time of grace."""
    store = laboratory.store
    claim = laboratory.claim_plan(laboratory.submit())
    store.use_documents(claim, ["used"])
    for name in ("used", "nobody's", "dataset:half", "dataset:whole", "dataset-description:whole"):
        store.put_document(name, name.encode())
    store.put_document("figure", b"png", seconds=1000.0)
    assert swept(store, grace=1000.0) == set()
    assert swept(store, grace=0.0) == {"document:nobody's", "document:dataset:half"}
    assert swept(store, grace=0.0) == set()
    for name in ("used", "dataset:whole", "dataset-description:whole"):
        assert store.document(name) == name.encode()
    assert store.document("figure") == b"png"
    assert store.document("nobody's") is None


def swept(store: Store, *, grace: float) -> set[str]:
    """What is found in so many slices that everything was looked at."""
    return {name for _ in range(50) for name in store.sweep(most=10, grace=grace)}


def test_those_that_finished_first_are_named_first(laboratory: Laboratory) -> None:
    """Of the finished ones, and only after the time that was asked for."""
    store = laboratory.store
    laboratory.submit("under way")
    finished = []
    for text in ("one", "two", "three"):
        experiment = laboratory.submit(text)
        store.cancel(experiment.id)
        finished.append(experiment.id)
        laboratory.wait(0.002)
    assert list(store.finished_before(seconds=0.0, most=2)) == finished[:2]
    assert list(store.finished_before(seconds=0.0, most=9)) == finished
    assert not store.finished_before(seconds=1000.0, most=9)
    store.delete(finished[0])
    assert list(store.finished_before(seconds=0.0, most=9)) == finished[1:]


def test_what_an_experiment_was_to_use_may_be_gone_by_then(laboratory: Laboratory) -> None:
    """Then it is refused, and nothing of it is there; a later one that finds it is accepted."""
    store = laboratory.store
    wish = {"spec": b"{}", "content_hash": digest("{}"), "name": "", "tags": [], "runs": 4, "documents": ["dataset:x"]}
    with pytest.raises(DocumentGone):
        store.submit(**wish)  # type: ignore[arg-type]  # each as it is asked for
    assert not store.experiments().experiments
    store.put_document("dataset:x", b"data")
    assert store.submit(**wish).is_new  # type: ignore[arg-type]  # as above
