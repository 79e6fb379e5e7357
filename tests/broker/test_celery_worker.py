"""The worker that a Celery cluster has already: started by Celery's own commands, without a flag of ours."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.broker.deployment import BOTH, LONG, PATIENCE, Deployment, celery
from tests.broker.test_broker_apart import children
from tests.stepbias.launcher.household import eventually

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]


def busy_child(deployment: Deployment, experiment_id: str, pid: int) -> int:
    """The only process of a worker of one, once it trains."""

    def trains() -> bool:
        return any(job["state"] == "running" and job["kind"] == "train" for job in deployment.jobs(experiment_id))

    assert eventually(trains, patience=PATIENCE), deployment.log()
    (child,) = children(pid)
    return child


@pytest.mark.thorough
def test_an_autoscaled_worker_grows_shrinks_and_loses_nothing(tmp_path: Path) -> None:
    """By Celery's autoscaler; while it shrinks, work goes on."""
    deployment = Deployment(tmp_path, AUTOSCALE_KEEPALIVE="1")
    with deployment.running([BOTH[0]]):
        worker = deployment.start(*celery("worker", "-Q", "batch", "--autoscale", "3,1"))
        assert deployment.becomes_ready(), deployment.log()
        assert len(children(worker.pid)) == 1
        submitted, most = [], 0
        for _ in range(3):
            submitted += [deployment.submit(**LONG), deployment.submit(), deployment.submit()]
            for experiment in submitted[-3:]:
                while not experiment.refresh().is_finished:
                    most = max(most, len(children(worker.pid)))
                    time.sleep(0.05)
            time.sleep(2.0)
        assert most == 3, deployment.log()
        assert eventually(lambda: len(children(worker.pid)) == 1), deployment.log()
        assert all(deployment.has_lost_nothing(each) for each in submitted)
        assert deployment.finishes_one()
        assert worker.poll() is None, deployment.log()


def test_a_process_that_is_asked_to_leave_gives_its_batch_back(tmp_path: Path) -> None:
    """With a checkpoint, and at once: where a pool shrinks, or a service manager stops every process of a unit."""
    deployment = Deployment(tmp_path, STEPBIAS_LEASE_SECONDS="60", STEPBIAS_HEARTBEAT_SECONDS="2")
    with deployment.running([BOTH[0]]):
        worker = deployment.start(*celery("worker", "-Q", "batch", "--concurrency", "1"))
        assert deployment.becomes_ready(), deployment.log()
        experiment = deployment.submit(**LONG)
        child = busy_child(deployment, experiment.id, worker.pid)
        os.kill(child, signal.SIGTERM)
        assert eventually(lambda: children(worker.pid) - {child}), deployment.log()
        experiment.wait(timeout=PATIENCE)
        assert deployment.has_lost_nothing(experiment)
        assert "its lease has run out" not in deployment.log()


@pytest.mark.thorough
def test_all_processes_of_a_worker_may_be_told_to_stop_at_once(tmp_path: Path) -> None:
    """As systemd does unless a unit says otherwise: the batch goes back, and the next worker has it."""
    deployment = Deployment(tmp_path, STEPBIAS_LEASE_SECONDS="60")
    command = celery("worker", "-Q", "batch", "--concurrency", "1")
    with deployment.running([BOTH[0]]):
        worker = deployment.start(*command)
        assert deployment.becomes_ready(), deployment.log()
        experiment = deployment.submit(**LONG)
        child = busy_child(deployment, experiment.id, worker.pid)
        os.kill(child, signal.SIGTERM)
        worker.terminate()
        worker.wait(60)
        deployment.start(*command)
        experiment.wait(timeout=PATIENCE)
        assert deployment.has_lost_nothing(experiment)
        assert "its lease has run out" not in deployment.log()


@pytest.mark.thorough
def test_a_limit_of_time_ends_no_work_and_that_is_said(tmp_path: Path) -> None:
    """A ring is answered for as long as there is work, which Celery would end in its midst."""
    deployment = Deployment(tmp_path)
    limits = ("--time-limit", "2", "--soft-time-limit", "1")
    with deployment.running([BOTH[0]]):
        deployment.start(*celery("worker", "-Q", "batch", "--concurrency", "1", *limits))
        assert deployment.becomes_ready(), deployment.log()
        experiment = deployment.submit(**LONG)
        experiment.wait(timeout=PATIENCE)
        assert deployment.has_lost_nothing(experiment)
        assert "--time-limit is left out of account" in deployment.log()
        assert "--soft-time-limit is left out of account" in deployment.log()


@pytest.mark.thorough
def test_celery_multi_starts_and_stops_workers(tmp_path: Path) -> None:
    """Both queues by one command, each in a process of its own."""
    deployment = Deployment(tmp_path)
    files = (f"--pidfile={tmp_path}/%n.pid", f"--logfile={tmp_path}/%n.log")
    nodes = ("interactive", "batch")
    queues = ("-Q:interactive", "interactive", "-Q:batch", "batch", "-c", "1")

    def multi(*words: str) -> str:
        # Celery's own command, which looks for the app where it is told to.
        command = (sys.executable, "-m", "celery", "-A", "stepbias.launcher.celery_app", "multi", *words)
        done = subprocess.run(
            command, env=deployment.environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    with deployment.running([]):
        told = multi("start", *nodes, *queues, *files)
        try:
            assert deployment.becomes_ready(), told
            assert deployment.finishes_one(), told
        finally:
            pids = [int((tmp_path / f"{each}.pid").read_text()) for each in nodes]
            told = multi("stopwait", *nodes, *files)
        assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids)), told


@pytest.mark.thorough
def test_what_runs_is_seen_where_a_setting_allows_it(tmp_path: Path) -> None:
    """By `celery inspect active` and as events, named for what is done, with ids and without names."""
    deployment = Deployment(tmp_path, STEPBIAS_CELERY_EVENTS="true")
    with deployment.running([BOTH[0]]):
        deployment.start(*celery("worker", "-Q", "batch", "--concurrency", "1", "-n", "trainer@%h"))
        assert deployment.becomes_ready(), deployment.log()
        experiment = deployment.submit(**LONG, name="a name that is nobody's business")

        def asked() -> str:
            command = celery("inspect", "active", "--timeout", "5")
            return subprocess.run(
                command, env=deployment.environment, cwd=tmp_path, capture_output=True, text=True, check=False
            ).stdout

        told = ""
        while "stepbias.train" not in told and not experiment.refresh().is_finished:
            told = asked()
        assert "stepbias.train" in told
        assert experiment.id in told
        assert "trainer@" in told
        assert "business" not in told


@pytest.mark.thorough
def test_nothing_is_seen_where_no_setting_allows_it(tmp_path: Path) -> None:
    """Whoever reaches the broker cannot even ask."""
    deployment = Deployment(tmp_path)
    with deployment.running([BOTH[0], BOTH[1]]):
        assert deployment.becomes_ready(), deployment.log()
        command = celery("inspect", "ping", "--timeout", "3")
        asked = subprocess.run(
            command, env=deployment.environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "No nodes replied" in asked.stderr + asked.stdout


@pytest.mark.parametrize(
    ("flags", "reason"),
    [(("--pool", "solo"), "stepbias needs a pool of processes"), (("-Q", "nonsense"), "nonsense")],
)
def test_a_worker_that_cannot_work_does_not_start(
    flags: tuple[str, ...], reason: str, empty_valkey_url: str, tmp_path: Path
) -> None:
    """With a reason, instead of living and failing every job."""
    environment = dict(os.environ) | {"STEPBIAS_REDIS_URL": empty_valkey_url}
    command = celery("worker", *flags)
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert reason in done.stderr + done.stdout
