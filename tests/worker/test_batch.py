"""The training job: interrupted, cancelled, robbed of its lease, resumed; and always to the same bytes."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.descent.kernel import chosen, kernel_id
from core.experiment.run_batch import EndedRun, RunBatch
from core.results.result import pack_arrays, unpack_arrays
from jobs.errors import StoreFull
from jobs.records import Claim, FinishedRun
from jobs.states import ExperimentStatus, JobState
from tests.worker.workshop import ALONE, SETTINGS, Killed, MovableClock, SetAfter, Workshop, spec, undisturbed

pytestmark = pytest.mark.usefixtures("short_chunks")

ENDLESS = 1e-9
"""A step size at which nothing happens in millions of steps: the runs only wait for what the test does."""


@pytest.fixture
def workshop() -> Workshop:
    """Where the batches are trained."""
    return Workshop()


@given(looks=st.lists(st.integers(1, 40), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_shutting_down_at_any_moment_and_resuming_changes_no_bit(looks: list[int]) -> None:
    """Summaries and arrays of every run, through several shutdowns, each with a checkpoint and none a lost attempt."""
    workshop = Workshop()
    experiment_id, job = workshop.plan(spec())
    shutdowns = 0
    for count in looks:
        if workshop.waiting():
            workshop.perform(job.id, workshop.context(stopping=SetAfter(count)))
            shutdowns += workshop.waiting()
    workshop.work_off()
    (trained,) = workshop.training_jobs(experiment_id)
    assert (trained.state, trained.failures, trained.losses) == (JobState.SUCCEEDED, 0, 0)
    _, *checkpoints = workshop.store.checkpoints
    assert (trained.attempt, len(checkpoints)) == (1, shutdowns)
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_shutting_down_releases_the_batch_with_a_checkpoint(workshop: Workshop) -> None:
    """It waits again, and the next attempt does not begin from the beginning."""
    experiment_id, job = workshop.plan(spec())
    workshop.perform(job.id, workshop.context(stopping=SetAfter(5)))
    (released,) = workshop.training_jobs(experiment_id)
    assert (released.state, released.attempt, released.failures, released.losses) == (JobState.QUEUED, 0, 0, 0)
    kept = workshop.store.checkpoint(job)
    assert kept is not None
    kernel, _, arrays = kept.partition(b"\n")
    assert kernel.decode() == kernel_id(chosen("auto"))
    assert unpack_arrays(arrays)["step"].tolist() == [5 * 64]
    assert workshop.waiting() == 1


def test_a_batch_that_has_just_ended_is_complete_though_the_worker_shuts_down(workshop: Workshop) -> None:
    """There is nothing left to release."""
    experiment_id, job = workshop.plan(spec(max_steps=320, recording=ALONE))
    workshop.perform(job.id, workshop.context(stopping=SetAfter(5)))
    (trained,) = workshop.training_jobs(experiment_id)
    assert trained.state is JobState.SUCCEEDED


def clock_of_seconds() -> Callable[[], float]:
    """A clock that is a second later at every reading."""
    seconds = itertools.count()
    return lambda: float(next(seconds))


def test_checkpoints_are_taken_as_time_goes_by() -> None:
    """Whenever their time has come, which changes no number."""
    workshop = Workshop(SETTINGS.model_copy(update={"checkpoint_seconds": 5.0}))
    experiment_id, job = workshop.plan(spec())
    workshop.perform(job.id, workshop.context(clock=clock_of_seconds()))
    _, *checkpoints = workshop.store.checkpoints
    steps = [int(unpack_arrays(kept.partition(b"\n")[2])["step"][0]) for kept in checkpoints]
    assert len(steps) >= 3
    assert steps == sorted(set(steps))
    assert workshop.store.checkpoint(job) is None
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_too_large_a_checkpoint_is_not_kept(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The log says so, and the batch goes on to its end without."""
    monkeypatch.setattr("worker.batch.MOST_CHECKPOINT_BYTES", 100)
    workshop = Workshop(SETTINGS.model_copy(update={"checkpoint_seconds": 5.0}))
    experiment_id, job = workshop.plan(spec())
    workshop.perform(job.id, workshop.context(clock=clock_of_seconds()))
    assert len(workshop.store.checkpoints) == 1, "that of planning"
    assert "goes on without a checkpoint" in caplog.text
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_large_checkpoints_are_taken_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a byte a second the first one uses up the bandwidth of the whole training."""
    monkeypatch.setattr("worker.batch.CHECKPOINT_BYTES_PER_SECOND", 1.0)
    workshop = Workshop(SETTINGS.model_copy(update={"checkpoint_seconds": 5.0}))
    _, job = workshop.plan(spec())
    workshop.perform(job.id, workshop.context(clock=clock_of_seconds()))
    assert len(workshop.store.checkpoints) == 2


def changed(kept: bytes, changes: Mapping[str, np.ndarray | None]) -> bytes:
    """A checkpoint with other arrays, None for one that is taken away."""
    kernel, _, block = kept.partition(b"\n")
    arrays = {name: array for name, array in {**unpack_arrays(block), **changes}.items() if array is not None}
    return kernel + b"\n" + pack_arrays(arrays)


@pytest.mark.parametrize("looks", [3, 10, 20])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda kept: b"numpy-1/openblas-1/Pentium" + kept[kept.index(b"\n") :], id="of another kernel"),
        pytest.param(lambda kept: kept[:-1], id="cut short"),
        pytest.param(lambda kept: kept[:-9] + bytes([kept[-9] ^ 1]) + kept[-8:], id="one bit changed"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"\xff\xfe\n\x00", id="noise"),
        pytest.param(lambda kept: kept[: kept.index(b"\n") + 1], id="nothing but the kernel"),
        pytest.param(lambda kept: changed(kept, {"index": None}), id="without an array"),
        pytest.param(lambda kept: changed(kept, {"index": np.array([99])}), id="of another batch"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_ignored(workshop: Workshop, looks: int, damage: object) -> None:
    """The batch starts afresh, in the same attempt, and ends as if it had never been interrupted."""
    assert callable(damage)
    experiment_id, job = workshop.plan(spec())
    workshop.perform(job.id, workshop.context(stopping=SetAfter(looks)))
    kept = workshop.store.checkpoint(job)
    assert kept is not None
    workshop.keep_checkpoint(job, damage(kept))
    workshop.work_off()
    (trained,) = workshop.training_jobs(experiment_id)
    assert (trained.state, trained.attempt, trained.failures) == (JobState.SUCCEEDED, 1, 0)
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_a_checkpoint_of_another_kernel_is_not_gone_on_from(workshop: Workshop) -> None:
    """Its numbers are sound, but going on from them would mix two kernels' bits in one run."""
    experiment_id, job = workshop.plan(spec(scales=(0.1,), step_size=(0.02,), recording=ALONE))
    workshop.perform(job.id, workshop.context(stopping=SetAfter(3)))
    kept = workshop.store.checkpoint(job)
    assert kept is not None
    own = changed(kept, {"state.theta": 2 * unpack_arrays(kept.partition(b"\n")[2])["state.theta"]})
    workshop.keep_checkpoint(job, b"another/kernel" + own[own.index(b"\n") :])
    workshop.work_off()
    assert workshop.runs(experiment_id) == undisturbed(spec(scales=(0.1,), step_size=(0.02,), recording=ALONE))
    # The same numbers under this kernel's name are gone on from: the name is what decides.
    control = Workshop()
    control_id, control_job = control.plan(spec(scales=(0.1,), step_size=(0.02,), recording=ALONE))
    control.keep_checkpoint(control_job, own)
    control.perform(control_job.id)
    assert control.runs(control_id) != workshop.runs(experiment_id)


def test_a_checkpoint_that_breaks_an_attempt_does_not_break_the_next(workshop: Workshop) -> None:
    """It is readable, has all its arrays, and yet one of them is nothing to resume from."""
    experiment_id, job = workshop.plan(spec(recording=ALONE))
    broken = changed(kernel_id(chosen("auto")).encode() + b"\n" + pack_arrays({}), {"step": np.empty(0)})
    workshop.keep_checkpoint(job, broken)
    workshop.perform(job.id)
    workshop.work_off()
    (trained,) = workshop.training_jobs(experiment_id)
    assert (trained.state, trained.attempt, trained.failures) == (JobState.SUCCEEDED, 2, 1)
    assert workshop.runs(experiment_id) == undisturbed(spec(recording=ALONE))


def test_cancelling_in_the_middle_keeps_what_is_stored(workshop: Workshop) -> None:
    """The batch is seen to be cancelled at a heartbeat, and what is still training is dropped."""
    sweep = spec(scales=(0.3,), step_size=(0.05, ENDLESS), max_steps=3_000_000)
    experiment_id, job = workshop.plan(sweep)
    workshop.store.after_commit = lambda: workshop.store.cancel(experiment_id)
    workshop.perform(job.id)
    record = workshop.experiment(experiment_id)
    assert (record.status, record.runs_done, record.outcomes) == (
        ExperimentStatus.CANCELLED,
        1,
        {"converged": 1},
    )
    (cancelled,) = workshop.training_jobs(experiment_id)
    assert cancelled.state is JobState.CANCELLED
    assert [run is not None for run in workshop.runs(experiment_id)] == [True, False]
    assert workshop.waiting() == 0


def test_a_spec_that_was_cancelled_is_finished_by_submitting_it_again(workshop: Workshop) -> None:
    """As a new experiment, which computes only what is missing."""
    sweep = spec(step_size=(0.05, 0.001))
    experiment_id, job = workshop.plan(sweep)
    workshop.store.after_commit = lambda: workshop.store.cancel(experiment_id)
    workshop.perform(job.id)
    kept = workshop.experiment(experiment_id).runs_done
    workshop.store.after_commit = lambda: None
    again = workshop.done(sweep)
    assert again != experiment_id
    record = workshop.experiment(again)
    assert (record.status, record.runs_reused, record.runs_done) == (ExperimentStatus.SUCCEEDED, kept, 6)
    assert workshop.runs(again) == undisturbed(sweep)


def steal(workshop: Workshop, job_id: str) -> None:
    """Let the lease run out and somebody else take the job; once."""
    workshop.store.after_commit = lambda: None
    workshop.lose_leases()
    workshop.claim(job_id)


def test_a_worker_that_lost_its_lease_stores_nothing_more() -> None:
    """Without any heartbeat: the next commit is refused, and the runs in it are the other worker's to store."""
    silent = Workshop(SETTINGS.model_copy(update={"heartbeat_seconds": 1e6}))
    experiment_id, job = silent.plan(spec())
    silent.store.after_commit = lambda: steal(silent, job.id)
    silent.perform(job.id)
    stored = len(silent.store.commits)
    assert 0 < stored < 6
    assert silent.experiment(experiment_id).runs_done == stored
    (stolen,) = silent.training_jobs(experiment_id)
    assert (stolen.state, stolen.attempt, stolen.failures) == (JobState.RUNNING, 2, 0)
    # The thief was never heard of, and is no loss.
    assert [each.losses for each in silent.lose_leases()] == [1]
    silent.work_off()
    assert silent.runs(experiment_id) == undisturbed(spec())


def test_a_heartbeat_tells_a_worker_that_it_lost_its_lease(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """It stops in the middle of a run that would have trained on for millions of steps, and reports no defect."""
    experiment_id, job = workshop.plan(spec(scales=(0.3,), step_size=(0.05, ENDLESS), max_steps=3_000_000))
    workshop.store.after_commit = lambda: steal(workshop, job.id)
    workshop.perform(job.id)
    assert workshop.store.commits == [0]
    (stolen,) = workshop.training_jobs(experiment_id)
    assert (stolen.state, stolen.attempt) == (JobState.RUNNING, 2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_progress_grows_while_a_batch_is_trained(workshop: Workshop) -> None:
    """By heartbeats, before any run is stored."""
    experiment_id, job = workshop.plan(spec(scales=(0.3,), step_size=(ENDLESS,), max_steps=3_000_000))
    stopping = threading.Event()
    trainer = threading.Thread(target=workshop.perform, args=(job.id, workshop.context(stopping=stopping)))
    trainer.start()
    try:
        seen: set[float] = set()
        while len(seen) < 3 and trainer.is_alive():
            seen.add(workshop.experiment(experiment_id).progress)
    finally:
        stopping.set()
        trainer.join()
    assert len(seen) == 3
    assert all(0 <= progress < 1 for progress in seen)
    released = workshop.experiment(experiment_id)
    assert released.progress == pytest.approx(0.0, abs=1e-9)
    assert released.eta_seconds is None


GRIDS = {
    "all": spec(scales=(0.1, 0.3, 0.6, 1.0), step_size=(0.02, 0.05, 0.1)),
    "in another order": spec(scales=(1.0, 0.1, 0.6, 0.3), step_size=(0.1, 0.02, 0.05)),
    "among many": spec(scales=[0.1, 0.3, 0.6, 1.0, *(0.11 + 0.01 * n for n in range(10))], step_size=(0.1, 0.05, 0.02)),
    "with runs that diverge": spec(scales=(0.1, 0.3, 0.6, 1.0), step_size=(50.0, 0.02, 0.05, 0.1, 5.0)),
}


@pytest.mark.parametrize("company", sorted(set(GRIDS) - {"all"}))
def test_the_bytes_of_a_run_do_not_depend_on_the_batch_it_was_trained_in(company: str) -> None:
    """Same key, same bytes: whatever its place, the width of its batch, and what becomes of the others."""
    expected, found = Workshop(), Workshop()
    alone = expected.runs_by_key(expected.done(GRIDS["all"]))
    together = found.runs_by_key(found.done(GRIDS[company]))
    assert len(alone) == 12
    assert {key: together[key] for key in alone} == alone


def test_the_bytes_of_a_run_do_not_depend_on_having_company() -> None:
    """Each run of the grid as an experiment of its own."""
    expected, found = Workshop(), Workshop()
    together = expected.runs_by_key(expected.done(GRIDS["all"]))
    for scale in (0.1, 0.3, 0.6, 1.0):
        for step_size in (0.02, 0.05, 0.1):
            found.done(spec(scales=(scale,), step_size=(step_size,)))
    assert found.store._runs == together


PERTURBED = spec(
    scales=(0.1, 0.3, 1.0),
    optimizer={"kind": "gradient_descent", "step_size": {"values": [0.5, 0.7]}, "warmup_steps": 2000},
)
"""A warm-up after which most runs have interpolated where gradient descent is unstable, and are perturbed."""


def test_the_random_numbers_of_a_run_are_its_own() -> None:
    """Kicks are drawn by the run's key: neither its place in the grid nor a shutdown in between changes them."""
    reversed_grid = spec(
        scales=(1.0, 0.3, 0.1),
        optimizer={"kind": "gradient_descent", "step_size": {"values": [0.7, 0.5]}, "warmup_steps": 2000},
    )
    expected, found, interrupted = Workshop(), Workshop(), Workshop()
    perturbed = expected.done(PERTURBED)
    assert sum(summary["perturbations"] > 0 for summary in expected.summaries(perturbed)) >= 3
    assert found.runs_by_key(found.done(reversed_grid)) == expected.runs_by_key(perturbed)
    experiment_id, job = interrupted.plan(PERTURBED)
    for looks in (40, 40):
        interrupted.perform(job.id, interrupted.context(stopping=SetAfter(looks)))
    interrupted.work_off()
    assert interrupted.runs(experiment_id) == expected.runs(perturbed)


@pytest.mark.parametrize(
    ("scale", "step_size", "warmup_steps"),
    [pytest.param(1.0, 50.0, 0, id="in its first steps"), pytest.param(0.3, 0.7, 5000, id="beyond all floats")],
)
def test_a_run_that_diverges_is_a_result(workshop: Workshop, scale: float, step_size: float, warmup_steps: int) -> None:
    """Its curves may be beyond what float32 can hold, its state beyond float64; in the summary that is null."""
    optimizer = {"kind": "gradient_descent", "step_size": step_size, "warmup_steps": warmup_steps}
    experiment_id = workshop.done(spec(scales=(scale,), optimizer=optimizer))
    assert workshop.experiment(experiment_id).outcomes == {"diverged": 1}
    (summary,) = workshop.summaries(experiment_id)
    assert summary["outcome"] == "diverged"
    (run,) = workshop.runs(experiment_id)
    assert run is not None
    assert set(unpack_arrays(run.arrays)) >= {"u_plus", "u_minus", "gradient_sum", "record_step", "train_loss"}


def test_the_stored_state_belongs_to_the_summary(workshop: Workshop) -> None:
    """The loss of the stored predictor is the stored loss: ‖Xβ − y‖²/2N, by hand."""
    experiment_id = workshop.done(spec(scales=(0.3,), step_size=(0.05,)))
    (run,) = workshop.runs(experiment_id)
    (summary,) = workshop.summaries(experiment_id)
    assert run is not None
    arrays = unpack_arrays(run.arrays)
    predictor = arrays["u_plus"] ** 2 - arrays["u_minus"] ** 2
    rows, targets = ([1.0, 2.0, 0.5, 1.5], [0.5, 1.0, 2.0, 1.0]), (1.0, 0.5)
    residuals = [
        sum(x * b for x, b in zip(row, predictor, strict=True)) - y for row, y in zip(rows, targets, strict=True)
    ]
    assert summary["train_loss"] == pytest.approx(sum(r * r for r in residuals) / 4, rel=1e-6)
    assert arrays["record_step"][-1] == summary["steps"]


def test_runs_that_end_soon_after_others_are_stored_with_the_next_ones(workshop: Workshop) -> None:
    """The first at once, by a clock that stands still, and all others with the completion: in one write each."""
    experiment_id, job = workshop.plan(spec())
    stored: list[int] = []
    workshop.store.after_commit = lambda: stored.append(len(workshop.store.commits))
    workshop.perform(job.id, workshop.context(clock=MovableClock()))
    assert len(stored) == 2
    assert 0 < stored[0] < stored[1] == 6
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_runs_of_a_batch_that_a_worker_was_lost_with_are_stored_as_they_end(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that dies with it at one step each time takes those that ended just before with it the first time alone."""
    experiment_id, job = workshop.plan(spec())
    advance = RunBatch.advance

    def die_at_the_last(batch: RunBatch) -> list[EndedRun]:
        if len(batch.active) == 1:
            raise Killed
        return advance(batch)

    monkeypatch.setattr(RunBatch, "advance", die_at_the_last)
    for stored in (False, True):
        with pytest.raises(Killed):
            workshop.perform(job.id, workshop.context(clock=MovableClock()))
        assert (workshop.experiment(experiment_id).runs_done == 5) is stored
        workshop.lose_leases()


def test_runs_that_ended_before_an_error_are_stored(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a batch fails in again and again takes none of those with it that end earlier."""
    experiment_id, job = workshop.plan(spec())
    advance = RunBatch.advance

    def fail_at_the_last(batch: RunBatch) -> list[EndedRun]:
        if len(batch.active) == 1:
            raise ArithmeticError
        return advance(batch)

    monkeypatch.setattr(RunBatch, "advance", fail_at_the_last)
    workshop.perform(job.id, workshop.context(clock=MovableClock()))
    (failed,) = workshop.training_jobs(experiment_id)
    assert failed.failures == 1
    assert len(workshop.store.commits) == len(set(workshop.store.commits)) == 5
    assert workshop.experiment(experiment_id).runs_done == 5


def test_a_commit_waits_while_the_store_is_full(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs no attempt, and no step is computed twice."""
    experiment_id, job = workshop.plan(spec())
    commit, fullness = workshop.store.commit_runs, itertools.chain([True] * 3, itertools.cycle([False, True]))

    def refuse(claim: Claim, runs: Sequence[FinishedRun]) -> int:
        if next(fullness):
            raise StoreFull("full")
        return commit(claim, runs)

    monkeypatch.setattr(workshop.store, "commit_runs", refuse)
    workshop.perform(job.id)
    (trained,) = workshop.training_jobs(experiment_id)
    assert (trained.state, trained.attempt, trained.failures) == (JobState.SUCCEEDED, 1, 0)
    assert sorted(workshop.store.commits) == list(range(6))
    assert workshop.runs(experiment_id) == undisturbed(spec())


def test_a_worker_that_shuts_down_while_the_store_is_full_loses_no_run(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has ended and could not be stored is computed again from the checkpoint before."""
    experiment_id, job = workshop.plan(spec())

    def refuse(*_: object) -> int:
        raise StoreFull("full")

    with monkeypatch.context() as patched:
        patched.setattr(workshop.store, "commit_runs", refuse)
        patched.setattr(workshop.store, "save_checkpoint", refuse)
        workshop.perform(job.id, workshop.context(stopping=SetAfter(60)))
    (released,) = workshop.training_jobs(experiment_id)
    assert (released.state, released.failures) == (JobState.QUEUED, 0)
    workshop.work_off()
    assert workshop.runs(experiment_id) == undisturbed(spec())
