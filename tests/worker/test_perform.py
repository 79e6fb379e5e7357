"""One job from its message to its end: when nothing is done, when it is done again, and how failures end."""

import pytest

from jobs.records import JobKind, NewJob, Queue, plan_job_id
from jobs.states import ExperimentStatus, JobState
from tests.worker.workshop import Killed, Workshop, killed_at, spec, undisturbed


@pytest.fixture
def workshop() -> Workshop:
    """Where the jobs are done."""
    return Workshop()


def boom(*_: object) -> None:
    """A defect."""
    raise RuntimeError("boom")


def test_a_message_for_an_unknown_job_does_nothing(workshop: Workshop) -> None:
    """The broker may hold messages of an emptied store."""
    workshop.perform("nobody.plan")
    assert workshop.take_messages() == []


def test_a_message_for_a_finished_job_does_nothing(workshop: Workshop) -> None:
    """Messages may be late."""
    experiment_id = workshop.done(spec())
    before = workshop.store.jobs(experiment_id), workshop.experiment(experiment_id)
    for job in before[0]:
        workshop.perform(job.id)
    assert (workshop.store.jobs(experiment_id), workshop.experiment(experiment_id)) == before
    assert sorted(workshop.store.commits) == [0, 1, 2, 3, 4, 5]


def test_doubled_messages_run_a_job_once(workshop: Workshop) -> None:
    """Every message of the experiment comes three times."""
    experiment_id = workshop.submit(spec())
    while messages := workshop.take_messages():
        for job_id in 3 * messages:
            workshop.perform(job_id)
    assert [job.attempt for job in workshop.store.jobs(experiment_id)] == [1, 1]
    assert sorted(workshop.store.commits) == [0, 1, 2, 3, 4, 5]


def test_a_message_that_comes_while_the_job_is_worked_on_does_nothing(workshop: Workshop) -> None:
    """Two workers received it."""
    experiment_id, job = workshop.plan(spec())
    workshop.store.after_commit = lambda: workshop.perform(job.id)
    workshop.perform(job.id)
    assert sorted(workshop.store.commits) == [0, 1, 2, 3, 4, 5]
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED


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
    assert workshop.take_messages() == []


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
    workshop.sender.send(workshop.store.retry(experiment_id))
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
    workshop.sender.send(workshop.store.retry(experiment_id))
    workshop.work_off()
    assert workshop.experiment(experiment_id).outcomes == {"converged": 6}


def test_a_job_of_a_cancelled_experiment_is_not_done(workshop: Workshop) -> None:
    """Its message may still be under way."""
    experiment_id = workshop.submit(spec())
    workshop.store.cancel(experiment_id)
    workshop.work_off()
    assert [job.state for job in workshop.store.jobs(experiment_id)] == [JobState.CANCELLED]


def test_a_figure_is_drawn_of_what_is_there(workshop: Workshop) -> None:
    """Also before anything is trained: the figure says how far it is."""
    experiment_id = workshop.submit(spec())
    workshop.perform(plan_job_id(experiment_id))
    payload = {"figure": "risk", "format": "svg", "key": "figure:partial"}
    job = NewJob(id="a figure", kind=JobKind.DRAW, queue=Queue.INTERACTIVE, payload=payload)
    workshop.store.request(job, experiment_id=experiment_id)
    workshop.perform("a figure")
    picture = workshop.store.document("figure:partial")
    assert picture is not None
    assert b"<svg" in picture
