"""Celery's consumer, back soon after its server: Celery's own pauses grow to 30 s, and no setting names them."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.connection import LONGEST_PAUSE


class PromptConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """Tries to connect at least once a second."""

    @override
    def ensure_connected(self, conn: Any) -> Any:
        """The connection, once there is one; errors and the end of the worker as Celery has them."""
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=LONGEST_PAUSE / 2,
            interval_step=LONGEST_PAUSE / 2,
            interval_max=LONGEST_PAUSE,
        )
        return super().ensure_connected(conn)
