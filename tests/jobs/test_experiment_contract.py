"""What both stores promise about experiments."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.errors import ExperimentNotFound, InvalidCursor, LeaseLost, NotFailed, StillActive
from jobs.records import Experiment, Filters, JobKind, NewJob, Queue
from jobs.states import ExperimentStatus, JobState
from tests.jobs.laboratory import Laboratory, digest, finished_runs, train_job


def names(experiments: tuple[Experiment, ...]) -> list[str]:
    """The names, in order."""
    return [experiment.name for experiment in experiments]


def test_same_spec_submitted_twice_is_one_experiment(laboratory: Laboratory) -> None:
    """The second submission answers with the first experiment and says that it is not new."""
    arguments = {"spec": b"{}", "content_hash": digest("{}"), "name": "n", "tags": ["ä"], "runs": 3}
    first = laboratory.store.submit(**arguments)  # type: ignore[arg-type]  # one dictionary for two calls
    second = laboratory.store.submit(**arguments)  # type: ignore[arg-type]  # as above
    assert first.is_new
    assert not second.is_new
    assert second.experiment.id == first.experiment.id
    assert len(laboratory.store.experiments().experiments) == 1


def test_a_new_experiment_is_as_it_was_submitted(laboratory: Laboratory) -> None:
    """Spec, name, tags and runs come back; the planning job is queued."""
    laboratory.store.submit(spec=b"\x00{}", content_hash=digest("{}"), name="η α", tags=["ä", "b"], runs=7)
    (experiment,) = laboratory.store.experiments().experiments
    assert laboratory.store.spec(experiment.id) == b"\x00{}"
    assert (experiment.name, experiment.tags, experiment.runs_total) == ("η α", ("ä", "b"), 7)
    assert experiment.content_hash == digest("{}")
    assert experiment.status is ExperimentStatus.PLANNING
    assert (experiment.finished_at, experiment.eta_seconds, experiment.progress) == (None, None, 0.0)
    (plan,) = laboratory.store.jobs(experiment.id)
    assert (plan.kind, plan.queue, plan.state) == (JobKind.PLAN, Queue.INTERACTIVE, JobState.QUEUED)


def test_the_same_spec_submitted_after_a_cancel_is_a_new_experiment(laboratory: Laboratory) -> None:
    """Who submits wants the numbers, though a worker may not have heard yet that they were not wanted."""
    experiment = laboratory.planned()
    laboratory.claim(f"{experiment.id}.0")
    assert laboratory.store.cancel(experiment.id).status is ExperimentStatus.CANCELLED
    assert laboratory.submit().id != experiment.id


def test_the_same_spec_under_another_name_is_another_experiment(laboratory: Laboratory) -> None:
    """The name is the user's, and two names are two wishes."""
    assert laboratory.submit(name="one").id != laboratory.submit(name="two").id


def test_concurrent_submissions_of_one_spec_are_one_experiment(laboratory: Laboratory) -> None:
    """Of eight threads that submit at once, one has made the experiment."""
    with ThreadPoolExecutor(8) as threads:
        submissions = list(
            threads.map(
                lambda _: laboratory.store.submit(spec=b"{}", content_hash=digest("{}"), name="", tags=[], runs=1),
                range(32),
            )
        )
    assert len({submission.experiment.id for submission in submissions}) == 1
    assert sum(submission.is_new for submission in submissions) == 1


@pytest.mark.parametrize("ending", ["cancelled", "failed"])
def test_a_spec_that_came_to_nothing_begins_anew(laboratory: Laboratory, ending: str) -> None:
    """After a cancelled or failed experiment the same spec is a new one, which the next submission finds."""
    first = laboratory.submit()
    if ending == "cancelled":
        laboratory.store.cancel(first.id)
    else:
        laboratory.kill(f"{first.id}.plan")
    second = laboratory.submit()
    assert second.id != first.id
    assert laboratory.submit().id == second.id
    assert laboratory.store.experiment(first.id).status == ending


def test_a_succeeded_experiment_answers_for_its_spec(laboratory: Laboratory) -> None:
    """There is nothing left to compute."""
    experiment = laboratory.planned(batches=1)
    laboratory.train(experiment, 0)
    assert laboratory.submit(runs=2).id == experiment.id


def test_an_unknown_experiment_is_not_found(laboratory: Laboratory) -> None:
    """Every question about it says so, and not a KeyError."""
    store = laboratory.store
    for question in (
        store.experiment,
        store.spec,
        store.cancel,
        store.retry,
        store.jobs,
        lambda each: store.summaries(each, 0, 1),
        lambda each: store.run(each, 0),
    ):
        with pytest.raises(ExperimentNotFound) as refusal:
            question("no such id")
        assert refusal.value.experiment_id == "no such id"


def test_a_life_from_planning_to_success(laboratory: Laboratory) -> None:
    """Statuses, counts and progress at every station."""
    store = laboratory.store
    experiment = laboratory.submit()
    plan = laboratory.claim_plan(experiment)
    store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec")])
    store.add_jobs(plan, [train_job(experiment, 0, work=300.0), train_job(experiment, 1, work=100.0)])
    now = store.experiment(experiment.id)
    assert (now.status, now.progress, now.jobs_total, now.jobs_running) == (ExperimentStatus.PLANNING, 0.0, 3, 1)
    store.complete(plan)
    now = store.experiment(experiment.id)
    assert (now.status, now.progress, now.eta_seconds) == (ExperimentStatus.QUEUED, 0.0, None)

    first = laboratory.claim(f"{experiment.id}.0")
    assert store.experiment(experiment.id).status is ExperimentStatus.RUNNING
    store.heartbeat(first, fraction=0.5)
    laboratory.wait(0.01)
    now = store.experiment(experiment.id)
    assert now.progress == pytest.approx(150 / 400)
    assert now.eta_seconds is not None
    assert now.eta_seconds > 0

    assert store.commit_runs(first, finished_runs(laboratory.labels("a spec")[:2])) == 2
    store.complete(first)
    now = store.experiment(experiment.id)
    assert now.progress == pytest.approx(300 / 400)
    assert (now.runs_done, now.jobs_done, now.jobs_running, now.finished_at) == (2, 2, 0, None)
    laboratory.train(experiment, 1)
    now = store.experiment(experiment.id)
    assert (now.status, now.progress, now.eta_seconds) == (ExperimentStatus.SUCCEEDED, 1.0, None)
    assert (now.runs_done, now.jobs_done, now.outcomes) == (4, 3, {"converged": 4})
    assert now.finished_at is not None
    assert now.finished_at >= now.created_at


def test_the_rest_is_expected_at_the_pace_so_far(laboratory: Laboratory) -> None:
    """After a quarter of the work, the rest takes three times as long as it has taken."""
    experiment = laboratory.planned()
    started = laboratory.store.experiment(experiment.id).created_at
    claim = laboratory.claim(f"{experiment.id}.0")
    laboratory.wait(0.05)
    laboratory.store.heartbeat(claim, fraction=0.5)
    now = laboratory.store.experiment(experiment.id)
    assert now.eta_seconds is not None
    assert now.eta_seconds >= 3 * 0.05
    laboratory.store.complete(claim)
    laboratory.train(experiment, 1)
    finished = laboratory.store.experiment(experiment.id).finished_at
    assert finished is not None
    # At the moment of the report no more than `finished − started` had passed since the first claim.
    assert now.eta_seconds <= 3 * (finished - started)


def test_outcomes_are_counted_apart(laboratory: Laboratory) -> None:
    """A diverged run is a result like any other."""
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    first, second = laboratory.labels("a spec", 1)
    laboratory.store.commit_runs(claim, finished_runs([first], 0, "diverged"))
    laboratory.store.commit_runs(claim, finished_runs([second], 1, "converged"))
    assert laboratory.store.experiment(experiment.id).outcomes == {"diverged": 1, "converged": 1}


def test_runs_of_an_earlier_experiment_are_reused(laboratory: Laboratory) -> None:
    """They count as done and reused, once each however often planning is repeated, and fill their share of progress."""
    store = laboratory.store
    earlier = laboratory.planned(batches=1)
    laboratory.train(earlier, 0)
    later = laboratory.submit("a wider spec", runs=4)
    plan = laboratory.claim_plan(later)
    keys = [digest(label) for label in (*laboratory.labels("a spec", 1), "new 0", "new 1")]
    assert list(store.set_run_keys(plan, 0, keys)) == [2, 3]
    assert list(store.set_run_keys(plan, 0, keys)) == [2, 3]
    store.add_jobs(plan, [train_job(later, 1)])
    store.complete(plan)
    now = store.experiment(later.id)
    assert (now.runs_done, now.runs_reused, now.outcomes) == (2, 2, {"converged": 2})
    assert now.status is ExperimentStatus.QUEUED
    assert now.progress == pytest.approx(0.5)


def test_an_experiment_without_new_runs_succeeds_with_its_planning(laboratory: Laboratory) -> None:
    """Nothing is left to train."""
    earlier = laboratory.planned(batches=1)
    laboratory.train(earlier, 0)
    later = laboratory.submit(name="again", runs=2)
    plan = laboratory.claim_plan(later)
    missing = laboratory.store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec", 1)])
    assert not missing
    laboratory.store.complete(plan)
    now = laboratory.store.experiment(later.id)
    assert (now.status, now.progress, now.runs_reused) == (ExperimentStatus.SUCCEEDED, 1.0, 2)


def test_cancelling_before_planning_is_done_at_once(laboratory: Laboratory) -> None:
    """No job runs, so nothing has to be waited for."""
    experiment = laboratory.submit()
    answer = laboratory.store.cancel(experiment.id)
    assert answer.status is ExperimentStatus.CANCELLED
    assert answer.finished_at is not None
    assert laboratory.store.claim(Queue.INTERACTIVE, worker="w") is None
    assert laboratory.state(f"{experiment.id}.plan") is JobState.CANCELLED


def test_cancelling_while_planning_ends_the_planning(laboratory: Laboratory) -> None:
    """Jobs that the planner adds afterwards are refused, and those of before are cancelled."""
    store = laboratory.store
    experiment = laboratory.submit()
    plan = laboratory.claim_plan(experiment)
    store.add_jobs(plan, [train_job(experiment, 0)])
    assert store.cancel(experiment.id).status is ExperimentStatus.CANCELLED
    with pytest.raises(LeaseLost):
        store.add_jobs(plan, [train_job(experiment, 1)])
    assert laboratory.state(f"{experiment.id}.0") is JobState.CANCELLED
    assert store.job(f"{experiment.id}.1") is None
    assert laboratory.state(plan.job.id) is JobState.CANCELLED
    now = store.experiment(experiment.id)
    assert (now.status, now.progress, now.jobs_total) == (ExperimentStatus.CANCELLED, 0.0, 2)


def test_cancelling_a_queued_experiment_is_done_at_once(laboratory: Laboratory) -> None:
    """Its jobs are not to be had, and do not wait."""
    experiment = laboratory.planned()
    assert laboratory.store.cancel(experiment.id).status is ExperimentStatus.CANCELLED
    assert laboratory.store.claim(Queue.BATCH, worker="w") is None
    assert laboratory.state(f"{experiment.id}.1") is JobState.CANCELLED
    assert not laboratory.store.look_around(Queue.BATCH).waiting


def test_cancelling_a_running_experiment_keeps_what_is_stored(laboratory: Laboratory) -> None:
    """It is cancelled at once, and nothing comes to it any more: its workers hear of it at their next word."""
    store = laboratory.store
    experiment = laboratory.planned(batches=3)
    claims = [laboratory.claim(f"{experiment.id}.{number}") for number in (0, 1)]
    assert store.commit_runs(claims[0], finished_runs(laboratory.labels("a spec")[:1])) == 1
    now = store.cancel(experiment.id)
    assert (now.status, now.runs_done, now.jobs_running) == (ExperimentStatus.CANCELLED, 1, 0)
    assert now.finished_at is not None
    assert {job.state for job in store.jobs(experiment.id)[1:]} == {JobState.CANCELLED}
    runs = finished_runs(laboratory.labels("a spec")[1:2], start=1)
    for write in (
        lambda: store.heartbeat(claims[0], fraction=0.3),
        lambda: store.commit_runs(claims[0], runs),
        lambda: store.save_checkpoint(claims[0], b"state"),
        lambda: store.release(claims[0]),
        lambda: store.complete(claims[1]),
        lambda: store.fail(claims[1], "boom"),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert store.checkpoint(claims[0].job) is None
    assert store.run(experiment.id, 1) is None
    assert store.cancel(experiment.id) == now


def test_cancelling_takes_no_job_of_another_experiment(laboratory: Laboratory) -> None:
    """What runs beside it runs on."""
    cancelled, other = (laboratory.planned(name, batches=1) for name in ("one", "two"))
    laboratory.claim(f"{cancelled.id}.0")
    claim = laboratory.claim(f"{other.id}.0")
    laboratory.store.cancel(cancelled.id)
    laboratory.store.complete(claim)
    assert laboratory.state(claim.job.id) is JobState.SUCCEEDED


def test_cancelling_a_finished_experiment_changes_nothing(laboratory: Laboratory) -> None:
    """It stays succeeded."""
    experiment = laboratory.planned(batches=1)
    laboratory.train(experiment, 0)
    before = laboratory.store.experiment(experiment.id)
    assert laboratory.store.cancel(experiment.id) == before


def test_cancelling_a_failed_experiment_does_not_stand_in_the_way_of_a_retry(laboratory: Laboratory) -> None:
    """The cancel came too late and is forgotten."""
    experiment = laboratory.planned(batches=1)
    laboratory.kill(f"{experiment.id}.0")
    assert laboratory.store.cancel(experiment.id).status is ExperimentStatus.FAILED
    laboratory.store.retry(experiment.id)
    laboratory.train(experiment, 0)
    assert laboratory.store.experiment(experiment.id).status is ExperimentStatus.SUCCEEDED


def test_an_experiment_has_not_succeeded_while_results_are_missing(laboratory: Laboratory) -> None:
    """Though all of its jobs have; a retry plans it anew, and what is stored is not computed again."""
    store = laboratory.store
    experiment = laboratory.planned(batches=1)
    claim = laboratory.claim(f"{experiment.id}.0")
    first, second = laboratory.labels("a spec", 1)
    store.commit_runs(claim, finished_runs([first]))
    store.complete(claim)
    now = store.experiment(experiment.id)
    assert (now.status, now.jobs_dead, now.runs_done) == (ExperimentStatus.FAILED, 0, 1)
    assert now.error is not None
    assert now.error.startswith("1 of 2 results are missing")
    assert now.finished_at is not None
    again = store.retry(experiment.id)
    assert (again.status, again.runs_done, again.outcomes) == (ExperimentStatus.PLANNING, 0, {})
    assert (again.error, again.finished_at, again.progress) == (None, None, 0.0)
    (plan,) = store.jobs(experiment.id)
    claim = laboratory.claim(plan.id)
    assert list(store.set_run_keys(claim, 0, [digest(first), digest(second)])) == [1]
    store.add_jobs(claim, [NewJob(id=f"{plan.id}.rest", queue=Queue.BATCH, payload={})])
    store.complete(claim)
    rest = laboratory.claim(f"{plan.id}.rest")
    store.commit_runs(rest, finished_runs([second], 1))
    store.complete(rest)
    now = store.experiment(experiment.id)
    assert (now.status, now.runs_done, now.runs_reused) == (ExperimentStatus.SUCCEEDED, 2, 1)


def test_an_experiment_fails_when_all_has_ended_and_something_is_dead(laboratory: Laboratory) -> None:
    """Not before the other jobs have ended; its error is that of the first job that died."""
    experiment = laboratory.planned(batches=3)
    laboratory.kill(f"{experiment.id}.0", "first")
    laboratory.kill(f"{experiment.id}.1", "second")
    now = laboratory.store.experiment(experiment.id)
    assert (now.status, now.error, now.jobs_dead) == (ExperimentStatus.RUNNING, None, 2)
    laboratory.train(experiment, 2)
    now = laboratory.store.experiment(experiment.id)
    assert (now.status, now.error, now.runs_done) == (ExperimentStatus.FAILED, "first", 2)
    assert now.finished_at is not None
    assert now.progress == pytest.approx(1 / 3)


def test_retrying_queues_what_is_dead(laboratory: Laboratory) -> None:
    """Fresh attempts for the dead job alone; then the experiment can succeed."""
    store = laboratory.store
    experiment = laboratory.planned()
    laboratory.kill(f"{experiment.id}.0")
    laboratory.train(experiment, 1)
    assert store.experiment(experiment.id).status is ExperimentStatus.FAILED
    assert store.retry(experiment.id).status is ExperimentStatus.QUEUED
    job = store.job(f"{experiment.id}.0")
    assert job is not None
    assert (job.state, job.attempt, job.failures, job.error) == (JobState.QUEUED, 0, 0, None)
    now = store.experiment(experiment.id)
    assert (now.status, now.error, now.finished_at, now.jobs_dead) == (ExperimentStatus.QUEUED, None, None, 0)
    laboratory.train(experiment, 0)
    assert store.experiment(experiment.id).status is ExperimentStatus.SUCCEEDED


@pytest.mark.parametrize("status", ["planning", "queued", "running", "succeeded", "cancelled"])
def test_only_what_has_failed_can_be_retried(laboratory: Laboratory, status: str) -> None:
    """The refusal names where the experiment stands."""
    experiment = laboratory.submit() if status == "planning" else laboratory.planned(batches=1)
    if status == "running":
        laboratory.claim(f"{experiment.id}.0")
    elif status == "succeeded":
        laboratory.train(experiment, 0)
    elif status == "cancelled":
        laboratory.store.cancel(experiment.id)
    with pytest.raises(NotFailed) as refusal:
        laboratory.store.retry(experiment.id)
    assert refusal.value.status == status


def with_a_dead_plan(laboratory: Laboratory) -> Experiment:
    """An experiment of four runs, of which two were planned before planning died."""
    experiment = laboratory.submit(runs=4)
    plan = laboratory.claim_plan(experiment)
    laboratory.store.set_run_keys(plan, 0, [digest(label) for label in laboratory.labels("a spec", 1)])
    laboratory.store.add_jobs(plan, [train_job(experiment, 0)])
    laboratory.store.fail(plan, "boom", is_hopeless=True)
    return laboratory.store.experiment(experiment.id)


def test_where_planning_has_died_what_was_planned_is_trained_first(laboratory: Laboratory) -> None:
    """Then the experiment has failed; a retry lets planning go on."""
    store = laboratory.store
    experiment = with_a_dead_plan(laboratory)
    assert (experiment.status, experiment.error, experiment.jobs_dead) == (ExperimentStatus.QUEUED, None, 1)
    claim = laboratory.claim(f"{experiment.id}.0")
    assert store.experiment(experiment.id).status is ExperimentStatus.RUNNING
    with pytest.raises(NotFailed):
        store.retry(experiment.id)
    store.commit_runs(claim, finished_runs(laboratory.labels("a spec", 1)))
    store.complete(claim)
    now = store.experiment(experiment.id)
    assert (now.status, now.error, now.runs_done) == (ExperimentStatus.FAILED, "boom", 2)
    assert store.retry(experiment.id).status is ExperimentStatus.PLANNING


def test_where_planning_has_died_what_runs_can_be_cancelled(laboratory: Laboratory) -> None:
    """And deleted, once it is."""
    store = laboratory.store
    experiment = with_a_dead_plan(laboratory)
    claim = laboratory.claim(f"{experiment.id}.0")
    with pytest.raises(StillActive):
        store.delete(experiment.id)
    assert store.cancel(experiment.id).status is ExperimentStatus.CANCELLED
    with pytest.raises(LeaseLost):
        store.heartbeat(claim, fraction=0.5)
    store.delete(experiment.id)


def test_a_retried_experiment_finds_its_pace_anew(laboratory: Laboratory) -> None:
    """The time it lay dead is no part of the pace, nor is the work done before."""
    store = laboratory.store
    experiment = laboratory.planned()
    laboratory.kill(f"{experiment.id}.0")
    laboratory.train(experiment, 1)
    laboratory.wait(0.2)
    store.retry(experiment.id)
    claim = laboratory.claim(f"{experiment.id}.0")
    assert store.experiment(experiment.id).eta_seconds is None
    laboratory.wait(0.01)
    store.heartbeat(claim, fraction=0.5)
    now = store.experiment(experiment.id)
    assert now.progress == pytest.approx(0.75)
    assert now.eta_seconds is not None
    # 50 of the 100 left took at least the 0.01 s waited; with the 100 of before, it would look three times as fast.
    assert now.eta_seconds >= 0.01


def test_pages_go_from_the_newest_to_the_oldest(laboratory: Laboratory) -> None:
    """Every experiment stands on exactly one page, and new ones do not shift the pages to come."""
    for number in range(5):
        laboratory.submit(str(number), name=str(number))
    first = laboratory.store.experiments(limit=2)
    laboratory.submit("5", name="5")
    second = laboratory.store.experiments(limit=2, cursor=first.next_cursor)
    third = laboratory.store.experiments(limit=2, cursor=second.next_cursor)
    pages = [names(page.experiments) for page in (first, second, third)]
    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    assert third.next_cursor is None


def test_a_page_that_holds_the_last_one_has_no_cursor(laboratory: Laboratory) -> None:
    """Also where it is just full, and where others follow that the filter refuses."""
    laboratory.submit("0", name="other")
    for number in (1, 2):
        laboratory.submit(str(number), name="mine")
    assert laboratory.store.experiments(limit=3).next_cursor is None
    assert laboratory.store.experiments(Filters(name="mine"), limit=2).next_cursor is None


def test_filters_combine(laboratory: Laboratory) -> None:
    """Statuses, a part of the name in either case, and tags, alone and together."""
    store = laboratory.store
    planning, cancelled = ExperimentStatus.PLANNING, ExperimentStatus.CANCELLED
    for number, tags in enumerate((["a"], ["a", "b"], ["b"])):
        store.submit(spec=b"", content_hash=digest(str(number)), name=f"Größe {number}", tags=tags, runs=1)
    second = store.experiments(Filters(name="1")).experiments[0]
    store.cancel(second.id)
    for filters, found in (
        (Filters(tags=("a",)), "10"),
        (Filters(tags=("a", "b")), "1"),
        (Filters(statuses=(planning,)), "20"),
        (Filters(statuses=(planning, cancelled)), "210"),
        (Filters(statuses=(cancelled,), tags=("b",)), "1"),
        (Filters(statuses=(planning,), tags=("b",), name="GRÖSSE 2"), "2"),
        (Filters(statuses=(ExperimentStatus.FAILED,)), ""),
        (Filters(name="0", tags=("b",)), ""),
        (Filters(tags=("a", "nobody's")), ""),
    ):
        assert "".join(name[-1] for name in names(store.experiments(filters).experiments)) == found


def test_experiments_are_found_by_time(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a moment on, before another one, and in between; also where there are many, which are not all looked at."""
    monkeypatch.setattr("jobs.redis_store.experiments._CHUNK", 2)
    monkeypatch.setattr("jobs.redis_store.experiments.CLOCK_SECONDS", 0.0)
    made = []
    for number in range(9):
        made.append(laboratory.submit(str(number), name=str(number)).created_at)
        laboratory.wait(0.002)
    store = laboratory.store
    for since, until in ((0, 9), (2, 5), (8, 9), (0, 1), (3, 3), (7, 2)):
        filters = Filters(since=made[since], until=made[until] if until < 9 else made[-1] + 1)
        expected = [str(number) for number in range(since, until)][::-1]
        assert names(store.experiments(filters).experiments) == expected
    page = store.experiments(Filters(until=made[6]), limit=4)
    assert names(page.experiments) == ["5", "4", "3", "2"]
    rest = store.experiments(Filters(until=made[6]), limit=4, cursor=page.next_cursor)
    assert names(rest.experiments) == ["1", "0"]


@pytest.mark.parametrize("cursor", ["", "x", "YWZ0ZXI6", "YWZ0ZXI6LTE", "🙂", "A" * 5000])
def test_a_cursor_of_other_origin_is_refused(laboratory: Laboratory, cursor: str) -> None:
    """Whatever it decodes to."""
    with pytest.raises(InvalidCursor):
        laboratory.store.experiments(cursor=cursor)
