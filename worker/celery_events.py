"""Work as Celery's events, for whatever watches a Celery cluster: Flower, `celery events`, exporters for Prometheus."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from celery import Celery

from jobs.celery_doorbell import Broker
from jobs.errors import BrokerUnavailable
from jobs.tracing import traceparent
from worker.present_work import End, PresentWork

log = logging.getLogger(__name__)

_ENDS: Final[Mapping[End, str]] = {End.DONE: "task-succeeded", End.PUT_DOWN: "task-retried", End.FAILED: "task-failed"}


class CeleryEvents:
    """Tells of each attempt as of a task of the name of what is done, with the ids that it is about, and no reason.

    A reason may quote what somebody sent. Nobody relies on events: where the broker is away, they are lost.
    """

    def __init__(self, app: Celery, *, node: str) -> None:
        self._app = app
        self._node = node
        self._broker = Broker(app)

    @contextmanager
    def of(self, work: PresentWork) -> Iterator[None]:
        """The events of an attempt, around it."""
        began = time.monotonic()
        trace = {"headers": {"traceparent": parent}} if (parent := traceparent()) else {}
        named = {"name": work.name, "args": "()", "kwargs": repr(dict(work.ids)), "retries": 0, **trace}
        self._send([("task-received", named), ("task-started", {})], work)
        try:
            yield
        except BaseException:
            work.end = End.PUT_DOWN
            raise
        finally:
            if work.end is End.DONE:
                fields: dict[str, Any] = {"result": str(work.end), "runtime": time.monotonic() - began}
            else:
                fields = {"exception": str(work.end), "traceback": ""}
            self._send([(_ENDS[work.end], fields)], work)

    def _send(self, events: list[tuple[str, dict[str, Any]]], work: PresentWork) -> None:
        try:
            self._broker.ask(lambda: self._dispatch(events, work))
        except BrokerUnavailable:
            return  # it is logged by whoever noticed
        except Exception:
            # Whatever it is, no work is to fail over it.
            log.exception("%s could not be told of", work.name)

    def _dispatch(self, events: list[tuple[str, dict[str, Any]]], work: PresentWork) -> None:
        with self._app.events.default_dispatcher(hostname=self._node) as dispatcher:
            for kind, fields in events:
                dispatcher.send(kind, uuid=work.id, **fields)
