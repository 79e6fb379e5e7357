"""Somebody who wants to hear of ends, and whose answers are left to chance."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Final
from unittest.mock import patch

from jobs.records import Experiment, Webhook, WebhookState
from jobs.webhooks import MOST_ATTEMPTS
from tests.simulation.stand_ins import Confused
from worker.webhooks import GONE

URL: Final = "https://receiver.example/"
SECRET: Final = "whsec_" + 32 * "A"
ENDS: Final = frozenset({"experiment.succeeded", "experiment.failed", "experiment.cancelled"})


class Receiver:
    """Keeps what it was told, and how it answered; `answers` draws a status, 0 for none."""

    def __init__(self, answers: Callable[[], int]) -> None:
        self._answers = answers
        self._heard: dict[str, list[tuple[str, int]]] = defaultdict(list)

    def hear(self, _url: str, _host: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer to what was sent.

        Raises:
            OSError: there is none.
            Confused: it is no end that was told.
        """
        told, status = json.loads(body), self._answers()
        if told["type"] not in ENDS or told["timestamp"] is None:
            raise Confused(f"{told['type']} is told as an end")
        self._heard[headers["webhook-id"]].append((told["type"], status))
        if not status:
            raise OSError("no answer")
        return status

    def has_heard(self, record: Experiment, webhook: Webhook, *, may_differ: bool) -> bool:
        """Whether it was told of this end, or for good reasons was not; `may_differ` where results were lost since."""
        answers = self._heard[f"{record.id}.{record.finished_at:.3f}"]
        if webhook.state is WebhookState.GIVEN_UP:
            return webhook.attempts == MOST_ATTEMPTS or any(status == GONE for _, status in answers)
        taken = {told for told, status in answers if status == 200}
        return webhook.state is WebhookState.DELIVERED and bool(
            taken if may_differ else taken & {f"experiment.{record.status}"}
        )

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, whatever workers send goes to it, without a network, a loop of events and threads."""
        at_once = SimpleNamespace(run=lambda answer: answer, wait_for=lambda answer, _seconds: answer)
        with (
            patch("worker.webhooks.asyncio", at_once),
            patch("worker.webhooks._in_time", lambda ask, _seconds: ask()),
            patch("worker.webhooks._at_checked_address", lambda url, *_: url),
            patch("worker.webhooks._post", self.hear),
        ):
            yield
