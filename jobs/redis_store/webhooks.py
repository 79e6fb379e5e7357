"""Ends of experiments that are to be told, in Redis."""

from collections.abc import Sequence

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import WebhookStore
from jobs.records import Delivery, Webhook, WebhookState
from jobs.redis_store.fields import checksum
from jobs.redis_store.keys import key
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer
from jobs.webhooks import MOST_ATTEMPTS


class RedisWebhooks(RedisServer, WebhookStore):
    """What the Redis store knows of webhooks."""

    @override
    def due_webhooks(self, *, most: int, seconds: float) -> Sequence[Delivery]:
        found = [value.decode() for value in self._call(Script.DUE_WEBHOOKS, most, seconds, MOST_ATTEMPTS)]
        return [
            Delivery(experiment_id=each, url=url, finished_at=float(finished_at), attempt=int(attempt))
            for each, url, finished_at, attempt in zip(found[::4], found[1::4], found[2::4], found[3::4], strict=True)
        ]

    @override
    def note_webhook(
        self, delivery: Delivery, state: WebhookState, *, status: int | None, seconds: float = 0.0
    ) -> None:
        told = "" if status is None else status
        ended = self._fields(delivery.experiment_id).get(b"finished_at", b"")
        if ended and float(ended) == delivery.finished_at:
            at = delivery.experiment_id, ended, delivery.attempt
            self._call(Script.NOTE_WEBHOOK, *at, told, state, seconds)

    @override
    def untold(self, *, most: int) -> Sequence[str]:
        line = key("webhooks")
        (owners,) = self._read(["ZRANGE", f"{line}:owners", 0, -1])
        lines = (f"{line}:of:{owner.decode()}" if owner else line for owner in owners)
        found = self._read(*(["ZRANGE", each, 0, most - 1] for each in lines))
        return [member.decode(errors="replace") for members in found for member in members]

    @override
    def webhook(self, experiment_id: str) -> Webhook:
        at = key("experiment", experiment_id, "webhook")
        (flat,) = self._read(["HGETALL", at])
        told = b"\n".join((at.encode(), *(flat.get(name, b"") for name in (b"attempts", b"state", b"last_status"))))
        if flat.get(b"seal", checksum(told)) != checksum(told):
            # It is told again.
            return Webhook()
        status = flat.get(b"last_status", b"")
        return Webhook(
            state=WebhookState(flat.get(b"state", b"pending").decode()),
            attempts=int(flat.get(b"attempts", 0)),
            last_status=int(status) if status else None,
        )
