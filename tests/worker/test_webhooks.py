"""Ends are told by workers: to a receiver on this machine, signed, again where it fails, and not to others."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from api.experiments.document import ExperimentDocument
from jobs.errors import StoreUnavailable
from jobs.records import Queue, Webhook, WebhookState, Wishes
from jobs.settings import Settings
from jobs.states import ExperimentStatus
from jobs.webhooks import MOST_ATTEMPTS, PAUSES, AllowedHosts
from tests.worker.workshop import Killed, Workshop, spec
from worker.webhooks import TAKEN_SECONDS, Messenger

KEY = bytes(range(32))
SETTINGS = Settings(
    webhook_hosts="127.0.0.1", webhook_secret="whsec_" + base64.b64encode(KEY).decode(), heartbeat_seconds=0.001
)


class Receiver:
    """Keeps what it is told, and answers with the statuses in turn, the last of them for ever."""

    def __init__(self, *statuses: int, answers: threading.Event | None = None) -> None:
        self.told: list[tuple[dict[str, str], bytes]] = []
        told, left = self.told, list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                told.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if answers is not None:
                    answers.wait(20.0)
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/told?by=stepbias"


@pytest.fixture
def receivers() -> Iterator[list[Receiver]]:
    """Those that are to be closed."""
    opened: list[Receiver] = []
    yield opened
    for each in opened:
        each.server.shutdown()
        each.server.server_close()


@pytest.fixture
def workshop() -> Workshop:
    """A deployment that tells this machine."""
    return Workshop(SETTINGS)


def ended(workshop: Workshop, url: str) -> str:
    """An experiment that has succeeded and wants that to be told."""
    experiment_id = workshop.submit(spec(), name="zwölf", wishes=Wishes(webhook=url))
    workshop.work_off()
    return experiment_id


def tell(workshop: Workshop, rounds: int = 1) -> None:
    """Rounds of one worker, with the longest pause between."""
    messenger = Messenger(workshop.context())
    for _ in range(rounds):
        messenger.round()
        workshop.clock.move(max(PAUSES) + TAKEN_SECONDS)


def test_an_end_is_told_with_a_signature(workshop: Workshop, receivers: list[Receiver]) -> None:
    """Which is that of the specification, computed here; the data are those of the experiment object."""
    receivers.append(Receiver(204))
    experiment_id = ended(workshop, receivers[0].url)
    tell(workshop, rounds=2)
    ((headers, body),) = receivers[0].told
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert abs(int(headers["webhook-timestamp"]) - workshop.clock()) < 10_000
    told, document = json.loads(body), ExperimentDocument.of(workshop.experiment(experiment_id)).model_dump(mode="json")
    assert told["type"] == "experiment.succeeded"
    assert told["timestamp"] == document["finished_at"]
    assert told["data"] == {name: document[name] for name in told["data"]}
    assert workshop.store.webhook(experiment_id) == Webhook(state=WebhookState.DELIVERED, attempts=1, last_status=204)


@pytest.mark.parametrize("first", [500, 302, 404])
def test_who_does_not_take_it_is_told_again(workshop: Workshop, receivers: list[Receiver], first: int) -> None:
    """Under the same id, with another timestamp; nobody is redirected."""
    receivers.append(Receiver(first, 200))
    experiment_id = ended(workshop, receivers[0].url)
    tell(workshop)
    assert workshop.store.webhook(experiment_id) == Webhook(attempts=1, last_status=first)
    tell(workshop, rounds=2)
    one, other = (headers for headers, _ in receivers[0].told)
    assert one["webhook-id"] == other["webhook-id"]
    assert one["webhook-timestamp"] < other["webhook-timestamp"]
    assert workshop.store.webhook(experiment_id).state is WebhookState.DELIVERED


@pytest.mark.parametrize(("status", "attempts"), [(503, MOST_ATTEMPTS), (410, 1)])
def test_it_is_given_up_in_the_end(workshop: Workshop, receivers: list[Receiver], status: int, attempts: int) -> None:
    """Within an hour; at once where nobody wants to hear more."""
    assert sum(PAUSES) <= 3600
    receivers.append(Receiver(status))
    experiment_id = ended(workshop, receivers[0].url)
    tell(workshop, rounds=len(PAUSES) + 3)
    assert len(receivers[0].told) == attempts
    assert workshop.store.webhook(experiment_id) == Webhook(
        state=WebhookState.GIVEN_UP, attempts=attempts, last_status=status
    )


def test_who_is_not_there_is_told_later(workshop: Workshop, receivers: list[Receiver]) -> None:
    """Without a status."""
    receivers.append(Receiver(200))
    url = receivers[0].url
    receivers[0].server.shutdown()
    receivers[0].server.server_close()
    experiment_id = ended(workshop, url)
    tell(workshop)
    assert workshop.store.webhook(experiment_id) == Webhook(attempts=1)


@pytest.mark.parametrize("error", [Killed, StoreUnavailable])
def test_a_worker_that_is_lost_in_between_leaves_it_to_others(
    workshop: Workshop, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Told, and nobody knows: it is told again, and the id says that it is the same."""

    def lost(*_: object, **__: object) -> None:
        raise error

    receivers.append(Receiver(200))
    experiment_id = ended(workshop, receivers[0].url)
    with monkeypatch.context() as patched:
        patched.setattr(workshop.store, "note_webhook", lost)
        with pytest.raises(error):
            tell(workshop)
    tell(workshop)
    assert len(receivers[0].told) == 1
    workshop.clock.move(TAKEN_SECONDS)
    tell(workshop)
    assert len({headers["webhook-id"] for headers, _ in receivers[0].told}) == 1
    assert workshop.store.webhook(experiment_id) == Webhook(state=WebhookState.DELIVERED, attempts=2, last_status=200)


@pytest.mark.parametrize("ends_again", [False, True])
def test_an_end_that_is_taken_back_is_not_told(
    workshop: Workshop, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch, *, ends_again: bool
) -> None:
    """Somebody retries after a worker has taken the end; what comes of that is told as an end of its own."""
    receivers.append(Receiver(200))
    experiment_id = workshop.submit(spec(), wishes=Wishes(webhook=receivers[0].url))
    claim = workshop.store.claim(Queue.INTERACTIVE, worker="w")
    assert claim is not None
    workshop.store.fail(claim, "boom", is_hopeless=True)
    take = workshop.store.due_webhooks

    def due(**limits: Any) -> Any:
        taken = take(**limits)
        if taken and workshop.experiment(experiment_id).status is ExperimentStatus.FAILED:
            workshop.clock.move(1.0)
            workshop.store.retry(experiment_id)
            if ends_again:
                workshop.work_off()
        return taken

    monkeypatch.setattr(workshop.store, "due_webhooks", due)
    tell(workshop)
    workshop.work_off()
    tell(workshop)
    ((headers, body),) = receivers[0].told
    assert json.loads(body)["type"] == "experiment.succeeded"
    assert headers["webhook-id"] == f"{experiment_id}.{workshop.experiment(experiment_id).finished_at:.3f}"


def test_what_is_deleted_is_not_told(workshop: Workshop, receivers: list[Receiver]) -> None:
    """Nor does it stop what comes after it."""
    receivers.append(Receiver(200))
    workshop.store.delete(ended(workshop, receivers[0].url))
    kept = ended(workshop, receivers[0].url)
    tell(workshop)
    assert [json.loads(body)["data"]["id"] for _, body in receivers[0].told] == [kept]


@pytest.mark.parametrize("settings", [{"webhook_hosts": ""}, {"webhook_hosts": "*"}, {"webhook_hosts": "localhost"}])
def test_what_a_deployment_does_not_tell_any_more_is_given_up(
    workshop: Workshop, receivers: list[Receiver], settings: dict[str, str]
) -> None:
    """The settings are those of the worker that tells, and a name is looked at by what it stands for."""
    receivers.append(Receiver(200))
    url = receivers[0].url
    urls = [url, url.replace("127.0.0.1", "localhost")]
    ids = [workshop.submit(spec(), name=each, wishes=Wishes(webhook=each)) for each in urls]
    workshop.work_off()
    changed = SETTINGS.model_copy(update=settings)
    Messenger(replace(workshop.context(), settings=changed)).round()
    assert receivers[0].told == []
    assert [workshop.store.webhook(each).state for each in ids] == [WebhookState.GIVEN_UP] * 2


def dripping(listener: socket.socket) -> None:
    """Take one connection, and answer a header with pauses between its letters, for three seconds."""
    connection, _ = listener.accept()
    with connection:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nslow: ")
            for _ in range(60):
                connection.sendall(b"x")
                time.sleep(0.05)
            connection.sendall(b"\r\n\r\n")
        except OSError:
            """Nobody listens any more."""


def test_who_drips_the_answer_is_not_waited_for(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is that of the whole attempt, however often there is something of it."""
    monkeypatch.setattr("worker.webhooks.ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=dripping, args=(listener,), daemon=True).start()
        experiment_id = ended(workshop, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        tell(workshop)
    assert workshop.store.webhook(experiment_id) == Webhook(attempts=1)


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for(
    workshop: Workshop, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is sent when it comes after all."""
    over, resolve = threading.Event(), socket.getaddrinfo
    looked_up = threading.Event()

    def slow(*given: Any, **more: Any) -> Any:
        over.wait(3.0)
        looked_up.set()
        return resolve(*given, **more)

    receivers.append(Receiver(200))
    experiment_id = ended(workshop, receivers[0].url)
    monkeypatch.setattr("worker.webhooks.ANSWER_SECONDS", 0.3)
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", slow)
        tell(workshop)
        over.set()
        assert looked_up.wait(5.0)
    assert workshop.store.webhook(experiment_id) == Webhook(attempts=1)
    assert receivers[0].told == []


def test_one_who_takes_long_keeps_nobody_waiting(workshop: Workshop, receivers: list[Receiver]) -> None:
    """Ends that come while one is being told are told before that is over."""
    answers = threading.Event()
    receivers += [Receiver(200, answers=answers), Receiver(200)]
    slow = ended(workshop, receivers[0].url)
    settings = SETTINGS.model_copy(update={"janitor_seconds": 0.01})
    messenger = Messenger(replace(workshop.context(), settings=settings))
    messenger.start()
    try:
        until(lambda: bool(receivers[0].told))
        quick = workshop.submit(spec(), name="other", wishes=Wishes(webhook=receivers[1].url))
        workshop.work_off()
        until(lambda: workshop.store.webhook(quick).state is WebhookState.DELIVERED)
        assert workshop.store.webhook(slow).state is WebhookState.PENDING
    finally:
        answers.set()
        messenger.stop()


def until(happens: Callable[[], bool]) -> None:
    """Wait for it, but not for ever."""
    deadline = time.monotonic() + 8.0
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_address_that_cannot_be_used_is_given_up_in_the_end(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised for it; it was taken before such were refused."""
    monkeypatch.setattr(AllowedHosts, "require_url", lambda *_: "127.0.0.1")
    experiment_id = ended(workshop, "http://127.0.0.1/\x01")
    tell(workshop, rounds=MOST_ATTEMPTS)
    assert workshop.store.webhook(experiment_id) == Webhook(state=WebhookState.GIVEN_UP, attempts=MOST_ATTEMPTS)
