"""Tell the ends of experiments to those who want it: signed, at least once, again with longer and longer pauses."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx2

from jobs.errors import ExperimentNotFound, StoreUnavailable
from jobs.records import Delivery, Experiment, WebhookState
from jobs.settings import webhook_secret_now
from jobs.webhooks import MOST_ATTEMPTS, PAUSES, AllowedHosts, NotAllowed, signature
from worker.context import WorkerContext

log = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 10.0
"""For an attempt as a whole, from looking up the name to the last header of the answer."""

TAKEN_SECONDS: Final = 60.0
"""For so long an attempt is its worker's: after that, the worker was lost."""

AT_ONCE: Final = 4

GONE: Final = 410
"""The status of those who want to hear no more."""


class TakenBack(Exception):
    """The end that was to be told is none any more: somebody has retried the experiment."""


class Messenger:
    """Looks for ends to tell every `janitor_seconds`, from threads of its own; several workers share the ends."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, name="messenger", daemon=True) for _ in range(AT_ONCE)]

    def start(self) -> None:
        """Begin; returns at once."""
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """End; what is being told is told again by others."""
        self._over.set()

    def round(self) -> None:
        """Tell what is due, one after another."""
        while not self._over.is_set() and (due := self._context.store.due_webhooks(most=1, seconds=TAKEN_SECONDS)):
            self._deliver(due[0])

    def _deliver(self, delivery: Delivery) -> None:
        status: int | None = None
        try:
            status = self._tell(delivery)
            state = _state(status, delivery.attempt)
        except (ExperimentNotFound, TakenBack):
            return
        except StoreUnavailable:
            raise
        except NotAllowed as reason:
            log.warning("the end of experiment %s is told to nobody: %s", delivery.experiment_id, reason)
            state = WebhookState.GIVEN_UP
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not come again for ever
            log.warning("the end of experiment %s was not told: %s", delivery.experiment_id, type(error).__name__)
            state = _state(None, delivery.attempt)
        seconds = PAUSES[delivery.attempt - 1] if state is WebhookState.PENDING else 0.0
        self._context.store.note_webhook(delivery, state, status=status, seconds=seconds)

    def _tell(self, delivery: Delivery) -> int:
        """The status of the answer.

        Raises:
            NotAllowed: the deployment does not let this be told.
            ExperimentNotFound: it is gone.
            TakenBack: it has gone on since.
            TimeoutError: there is none in time.
        """
        settings = self._context.settings
        secret = webhook_secret_now(settings)
        if secret is None:
            raise NotAllowed("STEPBIAS_WEBHOOK_SECRET is not set")
        hosts = AllowedHosts(settings.webhook_hosts)
        host = hosts.require_url(delivery.url)
        experiment = self._context.store.experiment(delivery.experiment_id)
        if experiment.finished_at != delivery.finished_at:
            raise TakenBack
        body = message(experiment)
        timestamp = int(self._context.wall_clock())
        message_id = f"{delivery.experiment_id}.{delivery.finished_at:.3f}"
        headers = {
            "content-type": "application/json",
            "host": urlsplit(delivery.url).netloc,
            "user-agent": "stepbias",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret.get_secret_value(), message_id, timestamp, body),
        }
        deadline = time.monotonic() + ANSWER_SECONDS

        def ask() -> int:
            url = _at_checked_address(delivery.url, host, hosts)
            return asyncio.run(asyncio.wait_for(_post(url, host, headers, body), deadline - time.monotonic()))

        return _in_time(ask, ANSWER_SECONDS)

    def _run(self) -> None:
        while not self._over.wait(self._context.settings.janitor_seconds):
            try:
                self.round()
            except StoreUnavailable as error:
                log.warning("the store does not answer the messenger: %s", error)
            except Exception:
                log.exception("the messenger stumbled, and goes on")


def message(experiment: Experiment) -> bytes:
    """What is told: the end, with what the experiment object of the API has under the same names."""
    data = {
        "id": experiment.id,
        "name": experiment.name,
        "tags": list(experiment.tags),
        "status": experiment.status,
        "counts": {
            "runs": {
                "total": experiment.runs_total,
                "done": experiment.runs_done,
                "reused": experiment.runs_reused,
            },
            "jobs": {
                "total": experiment.jobs_total,
                "done": experiment.jobs_done,
                "running": experiment.jobs_running,
                "dead": experiment.jobs_dead,
            },
        },
        "outcomes": dict(experiment.outcomes),
        "created_at": _time(experiment.created_at),
        "finished_at": _time(experiment.finished_at),
        "error": experiment.error,
    }
    told: dict[str, Any] = {"type": f"experiment.{experiment.status}", "timestamp": data["finished_at"], "data": data}
    return json.dumps(told, ensure_ascii=False).encode()


def _state(status: int | None, attempt: int) -> WebhookState:
    if status is not None and 200 <= status < 300:
        return WebhookState.DELIVERED
    return WebhookState.GIVEN_UP if status == GONE or attempt >= MOST_ATTEMPTS else WebhookState.PENDING


def _at_checked_address(url: str, host: str, hosts: AllowedHosts) -> str:
    """The address with the host's IP address in place of its name, so that no other answer of the DNS is used later.

    Raises:
        NotAllowed: the host has an address that is private, and not named.
        OSError: it has none.
    """
    parts = urlsplit(url)
    found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    hosts.require_addresses(addresses)
    literal = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    port = "" if parts.port is None else f":{parts.port}"
    return urlunsplit((parts.scheme, literal + port, parts.path or "/", parts.query, ""))


def _in_time(ask: Callable[[], int], seconds: float) -> int:
    """What it answers; nobody waits for it after so many seconds, for the resolver of names knows no deadline.

    Raises:
        TimeoutError: it has not answered by then.
    """
    answer: Future[int] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            answer.set_exception(error)

    threading.Thread(target=run, name="messenger-attempt", daemon=True).start()
    return answer.result(seconds)


async def _post(url: str, host: str, headers: dict[str, str], body: bytes) -> int:
    """The status of the answer, whose body is not read; redirects are not followed, and proxies not asked."""
    async with (
        httpx2.AsyncClient(timeout=ANSWER_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream("POST", url, content=body, headers=headers, extensions={"sni_hostname": host}) as answer,
    ):
        return int(answer.status_code)


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
