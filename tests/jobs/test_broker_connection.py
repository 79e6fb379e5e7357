"""How soon a worker is back after its broker."""

import pytest
from celery.worker.consumer import Consumer

from jobs.celery_doorbell import make_celery_app
from jobs.connection import LONGEST_PAUSE
from jobs.settings import Settings


class _EnoughError(Exception):
    """So many attempts are enough."""


def test_a_worker_tries_to_connect_every_second(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By Celery's own consumer, however long the broker is away: port 9 never answers. Its pauses grew to 30 s."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 20:
            raise _EnoughError

    app = make_celery_app(Settings.model_validate({"redis_url": "redis://127.0.0.1:9/0"}))
    monkeypatch.setattr("kombu.utils.functional.sleep", pause)
    worker = Consumer.__new__(Consumer)
    worker.app, worker.first_connection_attempt = app, False
    with pytest.raises(_EnoughError):
        worker.ensure_connected(app.connection_for_read())
    attempts = sum("Cannot connect" in record.message for record in caplog.records)
    assert 5.0 < sum(pauses) <= attempts * LONGEST_PAUSE
