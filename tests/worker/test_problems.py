"""Many problems, which the workers share: each job analyses several, and trains their runs."""

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import pytest

import worker.analyses
from core.analysis.problem import AnalysedProblem
from core.data.regression import Dataset
from core.networks.network import Network
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.records import JobKind, Order, Queue, StoredRun, Wishes
from jobs.states import ExperimentStatus
from tests.worker.workshop import ALONE, Killed, Workshop, killed_at, spec
from worker.perform import perform
from worker.planning import ALONE as PROBLEMS_ALONE

PROBLEMS: Final = 12
RUNS: Final = 2 * PROBLEMS


def many(problems: int = PROBLEMS, **parts: Any) -> ExperimentSpec:
    """Two runs on each of several data sets."""
    data = {"kind": "sparse_regression", "samples": 3, "dimension": 4, "sparsity": 1}
    asked = {"data": data | {"seed": {"values": list(range(problems))}}, "recording": ALONE, "max_steps": 300} | parts
    return spec(scales=(0.1, 0.3), step_size=(1e-4,), **asked)


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A store and a worker; a job is of some three problems."""
    monkeypatch.setattr("worker.planning.MOST_SECONDS", 0.07)
    return Workshop()


def planned_alone(monkeypatch: pytest.MonkeyPatch) -> list[StoredRun | None]:
    """The runs as they are where one job analyses all problems."""
    monkeypatch.setattr("worker.planning.ALONE", 1000)
    other = Workshop()
    return other.runs(other.done(many()))


def test_few_problems_are_analysed_by_who_plans_them(workshop: Workshop) -> None:
    """As many as a plan takes alone."""
    experiment_id = workshop.submit(many(PROBLEMS_ALONE))
    workshop.perform(f"{experiment_id}.plan")
    assert not any(job.payload.get("analyses") for job in workshop.training_jobs(experiment_id))


def test_a_plan_of_many_problems_analyses_none(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several jobs share them, each of whole problems."""
    monkeypatch.setattr("worker.analyses.analyse_problem", lambda *_: pytest.fail("it was analysed"))
    experiment_id = workshop.submit(many())
    workshop.perform(f"{experiment_id}.plan")
    jobs = workshop.training_jobs(experiment_id)
    assert len(jobs) > 2
    assert workshop.planned_indices(experiment_id) == list(range(RUNS))
    assert all(len(job.payload["indices"]) % 2 == 0 for job in jobs)
    assert {job.queue for job in jobs} == {Queue.BATCH}


def test_what_is_shared_has_the_bits_of_what_is_not(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its analyses are kept."""
    experiment_id = workshop.done(many())
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED
    assert sorted(workshop.store.commits) == list(range(RUNS))
    shared = workshop.runs(experiment_id)
    assert shared == planned_alone(monkeypatch)


def test_a_job_of_several_problems_that_was_lost_trains_no_stored_run_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the runs of its first problem were stored."""
    monkeypatch.setattr("worker.problems.STORED_TOGETHER", 1)
    experiment_id = workshop.submit(many())
    workshop.perform(f"{experiment_id}.plan")
    workshop.store.after_commit = killed_at(1)
    with pytest.raises(Killed):
        workshop.work_off()
    workshop.store.after_commit = lambda: None
    workshop.lose_leases()
    workshop.work_off()
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done, record.runs_reused) == (ExperimentStatus.SUCCEEDED, RUNS, 0)
    assert sorted(workshop.store.commits) == list(range(RUNS))


def test_runs_that_others_have_stored_meanwhile_are_counted(workshop: Workshop) -> None:
    """An equal experiment of fewer problems, which was planned after this one and is done before it."""
    large = workshop.submit(many(), "large")
    workshop.perform(f"{large}.plan")
    small = workshop.submit(many(3), "small")
    workshop.perform(f"{small}.plan")
    for job in workshop.training_jobs(small):
        claims = []
        while (claim := workshop.store.claim(job.queue, worker="w")) is not None and claim.job.id != job.id:
            claims.append(claim)
        assert claim is not None
        perform(claim, workshop.context())
        for each in claims:
            workshop.store.release(each)
    workshop.work_off()
    assert workshop.experiment(small).runs_done == 6
    record = workshop.experiment(large)
    assert (record.status, record.runs_done) == (ExperimentStatus.SUCCEEDED, RUNS)
    assert sorted(set(workshop.store.commits)) == list(range(RUNS))
    assert len(workshop.store.commits) == RUNS


def test_what_fails_in_a_job_of_several_problems_has_jobs_of_its_own(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt trains nothing, and what it leaves is done, or told of, problem by problem."""
    monkeypatch.setattr("worker.problems.trained_at_once", _fail)
    experiment_id = workshop.done(many())
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done) == (ExperimentStatus.SUCCEEDED, RUNS)
    own = [job for job in workshop.training_jobs(experiment_id) if not job.payload.get("analyses")]
    assert [len(job.payload["indices"]) for job in own] == [2] * PROBLEMS


@pytest.mark.parametrize("end", [RuntimeError, Killed])
def test_what_stops_the_analysis_of_a_problem_costs_the_others_of_its_job_no_runs(
    monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    """An error of ours, or an end of the process, each time: the runs of that problem alone are absent."""
    monkeypatch.setattr("worker.planning.MOST_SECONDS", 1e3)
    analyse, bad = worker.analyses.analyse_problem, Grid(many()).problem_of(8).data_key

    def stopped(dataset: Dataset, network: Network, data_key: str) -> AnalysedProblem:
        if data_key == bad:
            raise end("whatever")
        return analyse(dataset, network, data_key)

    monkeypatch.setattr("worker.analyses.analyse_problem", stopped)
    workshop = Workshop()
    experiment_id = workshop.submit(many())
    while workshop.experiment(experiment_id).finished_at is None:
        with contextlib.suppress(Killed):
            workshop.work_off()
        workshop.lose_leases()
    assert workshop.experiment(experiment_id).status is ExperimentStatus.FAILED
    assert [index for index, run in enumerate(workshop.runs(experiment_id)) if run is None] == [8, 9]


def _fail(*_: object, **__: object) -> None:
    raise ValueError("whatever")


def test_runs_that_take_long_have_jobs_of_their_own(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether that was predicted or not; a job that is repeated records none of them twice."""
    monkeypatch.setattr("worker.problems.SECONDS_AT_ONCE", 0.0)
    experiment_id = workshop.submit(many())
    workshop.perform(f"{experiment_id}.plan")
    workshop.store.before_completing = killed_at(1)
    with pytest.raises(Killed):
        workshop.work_off()
    workshop.store.before_completing = lambda: None
    workshop.lose_leases()
    workshop.work_off()
    assert workshop.experiment(experiment_id).status is ExperimentStatus.SUCCEEDED
    own = [job for job in workshop.training_jobs(experiment_id) if not job.payload.get("analyses")]
    assert sorted(index for job in own for index in job.payload["indices"]) == list(range(RUNS))


def test_runs_that_do_not_end_in_time_go_on_in_jobs_of_their_own(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is trained for longer without a checkpoint."""

    def nothing_ends(_: object, __: object, ___: object, indices: Sequence[int], **____: object) -> Any:
        return [], list(indices)

    monkeypatch.setattr("worker.problems.trained_at_once", nothing_ends)
    experiment_id = workshop.done(many())
    assert workshop.experiment(experiment_id).runs_done == RUNS


def test_a_problem_that_cannot_be_trained_fails_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs on all others are there, though one job has them: nothing interpolates more samples than features."""
    monkeypatch.setattr("worker.planning.MOST_SECONDS", 1e3)
    workshop = Workshop()
    data = {
        "kind": "sparse_regression",
        "dimension": 14,
        "sparsity": 1,
        "samples": {"values": [2, 3, 20, *range(4, 11)]},
    }
    document = many(data=data).model_dump(mode="json")
    document["optimizer"]["step_size"] = {"fractions_of_max_stable": [0.5]}
    experiment_id = workshop.done(ExperimentSpec.model_validate(document))
    record = workshop.experiment(experiment_id)
    assert record.status is ExperimentStatus.FAILED
    assert "fractions_of_max_stable has no meaning for this data set" in str(record.error)
    assert [index for index, run in enumerate(workshop.runs(experiment_id)) if run is None] == [4, 5]


def test_a_shuffled_experiment_begins_with_problems_from_everywhere(workshop: Workshop) -> None:
    """Jobs of the first tenths are not those of the first problems."""
    experiment_id = workshop.submit(many(60), wishes=Wishes(order=Order.SHUFFLED))
    workshop.perform(f"{experiment_id}.plan")
    claims = [workshop.store.claim(Queue.BATCH, worker="w") for _ in range(4)]
    firsts = [claim.job.payload["indices"][0] for claim in claims if claim is not None]
    assert len(firsts) == 4
    assert max(firsts) - min(firsts) > 40


def test_the_plan_of_many_problems_goes_on_where_it_was_killed(workshop: Workshop) -> None:
    """With the same jobs."""
    workshop.store.after_adding_jobs = killed_at(2)
    experiment_id = workshop.submit(many())
    with pytest.raises(Killed):
        workshop.perform(f"{experiment_id}.plan")
    workshop.store.after_adding_jobs = lambda: None
    workshop.lose_leases()
    workshop.work_off()
    assert workshop.planned_indices(experiment_id) == list(range(RUNS))
    assert [job.kind for job in workshop.store.jobs(experiment_id)].count(JobKind.PLAN) == 1
    assert sorted(workshop.store.commits) == list(range(RUNS))
