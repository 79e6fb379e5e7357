"""Webhooks of submissions: taken where the deployment tells the host, and shown with the experiment."""

import base64

import pytest

from core.identity import NUMERICS_VERSION
from jobs.records import LiveWorker, Queue, WebhookState
from tests.api.service import EXPERIMENTS, assert_problem, service, spec

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
WISHED = f"{EXPERIMENTS}?webhook=https://a.example/told"
TELLER = LiveWorker(name="w", numerics=NUMERICS_VERSION, idle=1, tells="b.example, a.example")
PENDING = {"state": "pending", "attempts": 0, "last_status": None, "waits_for": None}
MUTE = LiveWorker(name="m", numerics=NUMERICS_VERSION, idle=1)


def test_a_webhook_is_refused_where_the_host_is_not_named() -> None:
    """By default none is; the address is not repeated."""
    for hosts in ({}, {"webhook_hosts": "b.example", "webhook_secret": SECRET}):
        one = service(**hosts)
        with one.client:
            refusal = assert_problem(one.post(spec(), WISHED), 422)
        assert refusal["errors"][0]["parameter"] == "webhook"
        assert "a.example" not in str(refusal)
        assert one.store.experiments().experiments == ()


@pytest.mark.parametrize("rest", ["%01", "%7f", "?q=%1f", "%C3%A4"])
def test_an_address_that_nobody_could_use_is_refused(rest: str) -> None:
    """As it is asked for, not at every attempt at telling it."""
    one = service(webhook_hosts="a.example", webhook_secret=SECRET)
    with one.client:
        assert_problem(one.post(spec(), f"{WISHED}{rest}"), 422)


def test_an_experiment_shows_whether_its_end_was_told() -> None:
    """Pending before the end, too; nothing where nobody wants it."""
    one = service(webhook_hosts="a.example", webhook_secret=SECRET)
    with one.client:
        one.store.register(TELLER, queues=[Queue.INTERACTIVE], seconds=60.0)
        identifier = one.post(spec(), WISHED).json()["id"]
        there = f"{EXPERIMENTS}/{identifier}"
        assert one.get(there).json()["webhook"] == PENDING
        one.client.post(f"{there}/cancel")
        (delivery,) = one.store.due_webhooks(most=9, seconds=60.0)
        one.store.note_webhook(delivery, WebhookState.DELIVERED, status=200)
        delivered = PENDING | {"state": "delivered", "attempts": 1, "last_status": 200}
        assert one.get(there).json()["webhook"] == delivered
        other = one.post(spec(name="other")).json()["id"]
        assert one.get(f"{EXPERIMENTS}/{other}").json()["webhook"] is None


def test_the_answer_to_a_submission_tells_of_its_webhook() -> None:
    """Of an experiment that is there, of the one it has: it keeps its own, or none."""
    one = service(webhook_hosts="a.example", webhook_secret=SECRET)
    with one.client:
        one.store.register(TELLER, queues=[Queue.INTERACTIVE], seconds=60.0)
        assert one.post(spec(), WISHED).json()["webhook"] == PENDING
        assert one.post(spec()).json()["webhook"] == PENDING
        assert one.post(spec(name="other")).json()["webhook"] is None
        assert one.post(spec(name="other"), WISHED).json()["webhook"] is None


def test_an_end_that_no_living_worker_may_tell_says_so() -> None:
    """As it is submitted, as it is looked at, and to operators; a worker that tells other hosts makes no difference."""
    one = service(webhook_hosts="a.example", webhook_secret=SECRET)
    with one.client:
        one.store.register(MUTE, queues=Queue, seconds=60.0)
        submitted = one.post(spec(), WISHED)
        assert submitted.status_code == 202
        assert "a.example" in submitted.json()["webhook"]["waits_for"]
        one.client.post(f"{EXPERIMENTS}/{submitted.json()['id']}/cancel")
        assert "a.example" in one.get(f"{EXPERIMENTS}/{submitted.json()['id']}").json()["webhook"]["waits_for"]
        assert one.get("/readyz").json()["untellable"] == 1
        assert "stepbias_untellable_ends 1.0" in one.get("/metrics").text
        one.store.register(TELLER, queues=[Queue.INTERACTIVE], seconds=60.0)
        assert one.get(f"{EXPERIMENTS}/{submitted.json()['id']}").json()["webhook"]["waits_for"] is None
        assert one.get("/readyz").json()["untellable"] == 0
