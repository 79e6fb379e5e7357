"""Losing the broker altogether loses nothing, and is said. With RabbitMQ in `make broker-test`."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.broker.deployment import BOTH, LONG, PATIENCE, Broker, Deployment, stepbias
from tests.broker.rabbitmq import PROGRAM, RabbitMQ
from tests.broker.valkey_broker import ValkeyBroker
from tests.stepbias.launcher.household import eventually

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

RABBITMQ = pytest.mark.skipif(PROGRAM is None, reason="RabbitMQ is not installed (Debian: rabbitmq-server)")


@pytest.fixture(
    params=[
        pytest.param(ValkeyBroker, id="valkey"),
        pytest.param(RabbitMQ, id="rabbitmq", marks=[pytest.mark.thorough, RABBITMQ]),
    ]
)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """A broker that has not been started."""
    directory = tmp_path / "broker"
    directory.mkdir()
    made = request.param(directory)
    try:
        yield made
    finally:
        made.__exit__(None, None, None)


def children(pid: int) -> set[int]:
    """The processes that it has forked."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(each) for each in path.read_text().split()}


def test_work_goes_on_without_the_broker_and_that_is_said(broker: Broker, tmp_path: Path) -> None:
    """Away at the start of all, there, hanging, there again, killed, with a process lost meanwhile, and back."""
    deployment = Deployment(tmp_path, broker=broker.url)
    with deployment.running([BOTH[0]]):
        worker = deployment.start(*BOTH[1])
        assert deployment.becomes_ready(), deployment.log()
        assert not deployment.broker_answers()
        assert "stepbias_broker_up 0.0" in deployment.metrics()
        assert "the broker does not answer, and workers look for work themselves" in deployment.log()
        assert deployment.finishes_one(), deployment.log()

        broker.start()
        assert eventually(deployment.broker_answers, patience=PATIENCE), deployment.log()
        assert "stepbias_broker_up 1.0" in deployment.metrics()
        assert deployment.finishes_one(), deployment.log()

        broker.halt()
        assert deployment.finishes_one(), deployment.log()
        assert eventually(lambda: not deployment.broker_answers(), patience=PATIENCE)
        assert deployment.readiness() is not None
        broker.resume()
        assert eventually(deployment.broker_answers, patience=PATIENCE)
        assert deployment.finishes_one(), deployment.log()

        broker.kill()
        before = children(worker.pid)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        assert deployment.finishes_one(), deployment.log()
        assert eventually(lambda: len(children(worker.pid) - {min(before)}) == 2), deployment.log()

        broker.start()
        assert eventually(deployment.broker_answers, patience=PATIENCE)
        assert deployment.finishes_one(), deployment.log()
        assert worker.poll() is None, "it was the same worker throughout"


def test_a_worker_follows_the_password_of_its_broker(tmp_path: Path) -> None:
    """Changed under all of them: refused at first, which is said, and let in once the file has the new one."""
    (tmp_path / "broker").mkdir()
    (tmp_path / "secrets").mkdir()
    file = tmp_path / "secrets" / "stepbias_broker_url"

    def write(password: str) -> None:
        draft = file.with_suffix(".new")
        draft.write_text(broker.url.replace("//", f"//:{password}@", 1), encoding="ascii")
        draft.replace(file)

    with ValkeyBroker(tmp_path / "broker") as broker:
        broker.start()
        with redis.Redis.from_url(broker.url) as operator:
            operator.config_set("requirepass", "old")
            operator.auth("old")
            write("old")
            deployment = Deployment(tmp_path, STEPBIAS_SECRETS_DIR=str(file.parent))
            with deployment.running([BOTH[0]]):
                worker = deployment.start(*BOTH[1])
                assert eventually(deployment.broker_answers, patience=PATIENCE), deployment.log()
                operator.config_set("requirepass", "new")
                operator.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                assert eventually(lambda: not deployment.broker_answers(), patience=PATIENCE), deployment.log()
                assert deployment.finishes_one(), deployment.log()
                write("new")
                assert eventually(deployment.broker_answers, patience=PATIENCE), deployment.log()
                assert eventually(lambda: _listens(operator, worker.pid), patience=PATIENCE), deployment.log()
                assert deployment.finishes_one(), deployment.log()
                assert worker.poll() is None, deployment.log()
                assert not [word for word in (":old@", ":new@") if word in deployment.log()]


def _listens(operator: redis.Redis, pid: int) -> bool:
    """Whether somebody waits for rings at the broker, and the worker lives."""
    waiting = [each for each in operator.client_list() if each["cmd"].startswith("brpop")]
    return bool(waiting) and Path(f"/proc/{pid}").exists()


def test_doctor_says_that_the_broker_is_away(broker: Broker, empty_valkey_url: str) -> None:
    """And that nothing is lost by it; of no password a word."""
    address = broker.url.replace("//", "//somebody:secret-word@", 1).replace("guest:guest@", "")
    environment = dict(os.environ) | {"STEPBIAS_REDIS_URL": empty_valkey_url, "STEPBIAS_BROKER_URL": address}
    told = subprocess.run(stepbias("doctor"), env=environment, capture_output=True, text=True, check=False).stdout
    assert "WRONG broker" in told
    assert "Nothing is lost" in told
    assert "secret-word" not in told


@RABBITMQ
@pytest.mark.thorough
def test_rings_that_wait_longer_than_rabbitmq_allows_break_nothing(tmp_path: Path) -> None:
    """It closes the channel of a worker that has not acknowledged a message for long; the default is half an hour."""
    (tmp_path / "broker").mkdir()
    with RabbitMQ(tmp_path / "broker", consumer_timeout=1_000) as broker:
        deployment = Deployment(tmp_path, broker=broker.url)
        with deployment.running([BOTH[0]]):
            worker = deployment.start(*stepbias("serve", "worker", "--queue", "batch"))
            assert deployment.becomes_ready(), deployment.log()
            submitted = [deployment.submit(**LONG) for _ in range(2)]
            for each in submitted:
                each.wait(timeout=PATIENCE)
            assert "timed out waiting for" in broker.log(), "a ring waited for longer than it allows"
            assert deployment.finishes_one(), deployment.log()
            assert all(deployment.has_lost_nothing(each) for each in submitted)
            assert worker.poll() is None, deployment.log()
