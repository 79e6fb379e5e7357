"""Working off a queue: what one ring does, when a job is done again, and how failures end."""

from dataclasses import replace

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from core.errors import StepbiasError
from jobs.errors import StoreUnavailable
from jobs.records import Claim, FigureRequest, Queue
from jobs.seal import BrokenSeal
from jobs.states import ExperimentStatus, JobState
from tests.worker.workshop import Killed, SetAfter, Workshop, killed_at, spec, undisturbed
from worker.perform import work_off


@pytest.fixture
def workshop() -> Workshop:
    """Where the jobs are done."""
    return Workshop()


def boom(*_: object) -> None:
    """A defect."""
    raise RuntimeError("boom")


def test_one_ring_works_off_all_that_waits(workshop: Workshop) -> None:
    """The plans and the small trainings of several experiments."""
    experiments = [workshop.submit(spec(scales=(scale,)), name=str(scale)) for scale in (0.1, 0.3, 1.0)]
    work_off(Queue.INTERACTIVE, workshop.context())
    assert [workshop.experiment(each).status for each in experiments] == [ExperimentStatus.SUCCEEDED] * 3


def test_a_worker_for_batches_without_any_helps_the_others(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It plans, and does what is small; its own queue comes first, and nobody helps with that."""
    monkeypatch.setattr("worker.planning.INTERACTIVE_SECONDS", 0.0)
    large, _ = workshop.plan(spec())
    monkeypatch.undo()
    small = [workshop.submit(spec(scales=(scale,)), name=str(scale)) for scale in (0.1, 0.3)]
    taken: list[str] = []
    claim = workshop.store.claim

    def noted(queue: Queue, *, worker: str) -> Claim | None:
        found = claim(queue, worker=worker)
        taken.extend([] if found is None else [found.job.experiment_id])
        return found

    workshop.store.claim = noted  # type: ignore[method-assign]  # to listen
    work_off(Queue.INTERACTIVE, workshop.context())
    assert set(taken) == set(small)
    again = workshop.submit(spec(scales=(1.0,)), name="again")
    taken.clear()
    work_off(Queue.BATCH, workshop.context())
    assert taken[0] == large
    assert taken[-1] == again
    assert workshop.experiment(again).status is ExperimentStatus.SUCCEEDED


def test_a_ring_that_comes_twice_or_late_does_nothing(workshop: Workshop) -> None:
    """It finds nothing to do."""
    experiment_id = workshop.done(spec())
    before = workshop.store.jobs(experiment_id), workshop.experiment(experiment_id)
    for queue in (*Queue, *Queue):
        work_off(queue, workshop.context())
    assert (workshop.store.jobs(experiment_id), workshop.experiment(experiment_id)) == before
    assert sorted(workshop.store.commits) == [0, 1, 2, 3, 4, 5]


def test_a_ring_while_the_job_is_worked_on_does_nothing(workshop: Workshop) -> None:
    """Another worker heard it too."""
    experiment_id, _ = workshop.plan(spec())
    workshop.store.after_commit = workshop.work_off
    workshop.work_off()
    assert sorted(workshop.store.commits) == [0, 1, 2, 3, 4, 5]
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED


def test_a_worker_that_is_to_stop_takes_nothing_more(workshop: Workshop) -> None:
    """What waits is left for others."""
    workshop.submit(spec(), "one")
    workshop.submit(spec(), "other")
    work_off(Queue.INTERACTIVE, workshop.context(stopping=SetAfter(0)))
    assert workshop.waiting() == 2
    # One look before the plan, one at its only block, one before the next job.
    work_off(Queue.INTERACTIVE, workshop.context(stopping=SetAfter(2)))
    assert workshop.waiting() == 2
    work_off(Queue.INTERACTIVE, workshop.context())
    assert workshop.waiting() == 0


def test_a_store_that_is_away_ends_the_round(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the worker: the next ring, or the janitor, has it look again."""

    def away(*_: object, **__: object) -> Claim | None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(workshop.store, "claim", away)
        work_off(Queue.INTERACTIVE, workshop.context())


def test_a_store_that_goes_away_in_the_middle_costs_the_job_nothing(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given back once the store answers, else its lease runs out: neither a failure nor, so often, a loss."""

    def away(*_: object, **__: object) -> int:
        raise StoreUnavailable("away")

    experiment_id, job = workshop.plan(spec())
    with monkeypatch.context() as patched:
        patched.setattr(workshop.store, "commit_runs", away)
        for _ in range(5):
            workshop.perform(job.id)
        (given_back,) = workshop.training_jobs(experiment_id)
        assert (given_back.state, given_back.failures, given_back.losses) == (JobState.QUEUED, 0, 0)
        patched.setattr(workshop.store, "release", away)
        workshop.perform(job.id)
    (held,) = workshop.training_jobs(experiment_id)
    assert (held.state, held.failures, held.error) == (JobState.RUNNING, 0, None)
    workshop.lose_leases()
    workshop.work_off()
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_a_job_whose_worker_was_killed_is_done_by_the_next(workshop: Workshop) -> None:
    """To the same bytes; what the first had stored is not counted twice."""
    experiment_id, job = workshop.plan(spec())
    workshop.store.after_commit = killed_at(1)
    with pytest.raises(Killed):
        workshop.perform(job.id)
    assert 0 < workshop.experiment(experiment_id).runs_done < 6
    workshop.store.after_commit = lambda: None
    workshop.lose_leases()
    workshop.work_off()
    (lost,) = workshop.training_jobs(experiment_id)
    assert (lost.state, lost.attempt, lost.losses, lost.failures) == (JobState.SUCCEEDED, 2, 1, 0)
    assert workshop.experiment(experiment_id).outcomes == {"converged": 6}
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_matrices_are_multiplied_by_one_thread(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since another number gives other bits, whatever else the process does."""
    seen: set[int] = set()

    def look(*_: object) -> None:
        seen.update(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")

    _, job = workshop.plan(spec())
    monkeypatch.setattr("worker.perform.WORK", {job.kind: look})
    with threadpool_limits(limits=2, user_api="blas"):
        workshop.perform(job.id)
    assert seen == {1}


def test_an_error_is_tried_again_and_then_fails_the_experiment(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last attempt, with the error's own words."""
    experiment_id, job = workshop.plan(spec())
    monkeypatch.setattr("worker.batch.dataset_of", boom)
    workshop.perform(job.id)
    (once,) = workshop.training_jobs(experiment_id)
    assert (once.state, once.failures, once.error) == (JobState.QUEUED, 1, "RuntimeError: boom")
    workshop.work_off()
    (dead,) = workshop.training_jobs(experiment_id)
    assert (dead.state, dead.attempt, dead.failures) == (JobState.DEAD, 3, 3)
    record = workshop.experiment(experiment_id)
    assert (record.status, record.jobs_dead, record.error) == (ExperimentStatus.FAILED, 1, "RuntimeError: boom")
    assert workshop.waiting() == 0


@pytest.mark.parametrize("error", [StepbiasError("wrong"), BrokenSeal("spec of e")])
def test_an_error_that_every_attempt_must_meet_is_met_once(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The experiment fails at once, and says why."""

    def fail(*_: object) -> None:
        raise error

    experiment_id, job = workshop.plan(spec())
    monkeypatch.setattr("worker.batch.dataset_of", fail)
    workshop.perform(job.id)
    (dead,) = workshop.training_jobs(experiment_id)
    assert (dead.state, dead.attempt, dead.failures) == (JobState.DEAD, 1, 1)
    assert str(error) in str(workshop.experiment(experiment_id).error)


def test_a_process_that_has_too_little_memory_ends_and_another_one_tries(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What earlier jobs have left in it may be what was too much; after the last attempt the job says why."""

    def fail(*_: object) -> None:
        raise MemoryError("64 GiB")

    ended: list[str] = []
    context = replace(workshop.context(), end_process=ended.append)
    experiment_id, job = workshop.plan(spec())
    monkeypatch.setattr("worker.batch.dataset_of", fail)
    for _ in range(3):
        workshop.perform(job.id, context)
    (dead,) = workshop.training_jobs(experiment_id)
    assert (dead.state, dead.attempt, dead.failures) == (JobState.DEAD, 3, 3)
    assert len(ended) == 3
    assert "64 GiB" in str(workshop.experiment(experiment_id).error)


def test_a_process_that_can_start_no_thread_is_ended(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its memory is used up: it would fail every job that it takes within milliseconds, none of which is at fault."""
    ended: list[str] = []
    context = replace(workshop.context(), end_process=ended.append)
    _, job = workshop.plan(spec())

    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr("threading.Thread.start", fail)
        workshop.perform(job.id, context)
    assert len(ended) == 1
    assert "it needs more memory than a process of a worker may take (can't start new thread)" in ended[0]


def test_an_error_that_passes_is_a_delay(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second attempt succeeds, and its error is not the experiment's."""
    experiment_id, job = workshop.plan(spec())
    with monkeypatch.context() as patched:
        patched.setattr("worker.batch.dataset_of", boom)
        workshop.perform(job.id)
    workshop.work_off()
    record = workshop.experiment(experiment_id)
    assert (record.status, record.error, record.runs_done) == (ExperimentStatus.SUCCEEDED, None, 6)


def test_a_failed_experiment_is_retried(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the defect is gone, to the bytes of an experiment that never failed."""
    with monkeypatch.context() as patched:
        patched.setattr("worker.batch.dataset_of", boom)
        experiment_id = workshop.done(spec())
    assert workshop.experiment(experiment_id).status is ExperimentStatus.FAILED
    workshop.store.retry(experiment_id)
    workshop.work_off()
    record = workshop.experiment(experiment_id)
    assert (record.status, record.error, record.runs_done) == (ExperimentStatus.SUCCEEDED, None, 6)
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_failed_planning_is_retried(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An experiment may fail before it has any batch."""
    with monkeypatch.context() as patched:
        patched.setattr("worker.analyses.analyse_problem", boom)
        experiment_id = workshop.done(spec())
    record = workshop.experiment(experiment_id)
    assert (record.status, record.error) == (ExperimentStatus.FAILED, "RuntimeError: boom")
    workshop.store.retry(experiment_id)
    workshop.work_off()
    assert workshop.experiment(experiment_id).outcomes == {"converged": 6}


def test_a_job_of_a_cancelled_experiment_is_not_done(workshop: Workshop) -> None:
    """Its message may still be under way."""
    experiment_id = workshop.submit(spec())
    workshop.store.cancel(experiment_id)
    workshop.work_off()
    assert [job.state for job in workshop.store.jobs(experiment_id)] == [JobState.CANCELLED]


def test_figures_and_jobs_take_turns(workshop: Workshop) -> None:
    """Neither a class that asks for figures nor a line of plans keeps the other waiting."""
    first = workshop.done(spec(scales=(0.1,)), name="first")
    done: list[str] = []
    workshop.store.before_adding_jobs = lambda: done.append("plan")
    put = workshop.store.put_document

    def remember(key: str, document: bytes, *, seconds: float | None = None) -> None:
        if key.startswith("figure"):
            done.append("figure")
        put(key, document, seconds=seconds)

    def remember_for_good(_experiment_id: str, key: str, document: bytes) -> None:
        remember(key, document)

    workshop.store.put_document = remember  # type: ignore[method-assign]  # to see when
    workshop.store.keep_document = remember_for_good  # type: ignore[method-assign]  # as above
    for number in range(3):
        request = FigureRequest(experiment_id=first, figure="risk", format="svg", key=f"figure:{number}")
        workshop.store.request_figure(request, seconds=30.0)
        workshop.submit(spec(scales=(0.5 + number,)), name=str(number))
    work_off(Queue.INTERACTIVE, workshop.context())
    assert done[:4] == ["figure", "plan", "figure", "plan"]
    assert done.count("figure") == done.count("plan") == 3
