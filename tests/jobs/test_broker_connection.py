"""How a worker comes back to a broker that was away."""

import pytest
from kombu.exceptions import OperationalError
from kombu.utils import functional

from jobs.celery_doorbell import LONGEST_PAUSE, make_celery_app
from jobs.settings import Settings


def test_a_worker_asks_for_its_broker_every_two_seconds_however_long_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Celery's worker asks; its own pauses grow to half a minute, in which what waits would wait."""
    slept: list[float] = []
    monkeypatch.setattr(functional, "sleep", slept.append)
    pauses: list[float] = []
    settings = Settings.model_validate({"redis_url": "redis://127.0.0.1:1/0"})
    with make_celery_app(settings) as app, app.connection_for_read() as connection, pytest.raises(OperationalError):
        connection.ensure_connection(lambda _, pause: pauses.append(pause), 20)
    assert len(pauses) == 20
    assert max(pauses) == LONGEST_PAUSE
    assert 0 < sum(slept) <= 20 * LONGEST_PAUSE
