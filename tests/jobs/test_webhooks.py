"""Webhooks: where they may go, how they are signed, and what both stores promise about ends that are to be told."""

import pytest
from pydantic import ValidationError

from jobs.records import Experiment, LiveWorker, Ownership, Queue, Webhook, WebhookState, Wishes
from jobs.settings import Settings
from jobs.untold_ends import teller_lacking, untellable, untellable_sentences
from jobs.webhooks import MOST_ATTEMPTS, AllowedHosts, NotAllowed, signature, signing_key
from tests.jobs.laboratory import Laboratory, digest

URL = "https://a.example/told"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LEASE = 0.05


def test_the_signature_is_that_of_the_published_example() -> None:
    """The one that the libraries of Standard Webhooks are tested with."""
    told = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", SECRET[6:], "whsec_!" + SECRET[7:]])
def test_a_secret_has_its_form(secret: str) -> None:
    """With its prefix, in base64, and neither short nor long."""
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        signing_key(secret)
    with pytest.raises(ValidationError):
        Settings(webhook_secret=secret)


def test_hosts_need_a_secret() -> None:
    """Nothing is told that is not signed."""
    with pytest.raises(ValidationError, match="STEPBIAS_WEBHOOK_SECRET"):
        Settings(webhook_hosts="a.example")


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("a.example", "https://a.example/x?y=1"),
        ("b.example, A.example", "http://a.EXAMPLE.:8080/"),
        ("*", "https://anywhere.example/"),
        ("*", "https://1.1.1.1/"),
        ("127.0.0.1", "http://127.0.0.1:9/"),
        ("10.0.0.0/8", "http://10.1.2.3/"),
        ("::1", "http://[::1]:9/"),
    ],
)
def test_hosts_that_are_named_are_told(named: str, url: str) -> None:
    """By name, address or network, or all of them."""
    AllowedHosts(named).require_url(url)


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("", "https://a.example/"),
        ("a.example", "https://b.example/"),
        ("a.example", "https://x.a.example/"),
        ("*", "http://127.0.0.1/"),
        ("*", "http://169.254.169.254/latest"),
        ("*", "http://[::ffff:10.0.0.1]/"),
        ("*", "http://[fe80::1]/"),
        ("*", "http://[64:ff9b::a9fe:a9fe]/"),
        ("*", "http://224.0.0.1/"),
        ("*", "ftp://a.example/"),
        ("*", "https:///x"),
        ("*", "https://user:word@a.example/"),
        ("*", "https://a.example/#x"),
        ("*", "https://a.example:99999/"),
        ("*", "https://[a/"),
        ("*", "https://ä.example/"),
        ("*", "https://a.example/\x01"),
        ("*", "https://a.example/\x7f"),
        ("*", "https://a.example/?q=\x1f"),
        ("*", "https://a.example/\n"),
        ("*", "https://a.example/ x"),
        ("*", f"https://a.example/{'x' * 2000}"),
    ],
)
def test_others_are_not(named: str, url: str) -> None:
    """Those that nobody has named, private ones, and what is no plain address."""
    with pytest.raises(NotAllowed):
        AllowedHosts(named).require_url(url)


def test_all_addresses_of_a_host_must_be_allowed() -> None:
    """What a name stands for is looked at as it is used."""
    hosts = AllowedHosts("*, 10.0.0.0/8")
    hosts.require_addresses(["1.1.1.1", "10.0.0.1", "::ffff:10.0.0.1"])
    for private in ("127.0.0.1", "192.168.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1", "100.64.0.1"):
        with pytest.raises(NotAllowed):
            hosts.require_addresses(["1.1.1.1", private])


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::101:101",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "::7f00:1",
        "::ffff:7f00:1",
        "fec0::1",
        "ff0e::1",
        "240.0.0.1",
    ],
)
def test_no_form_of_an_address_leads_to_a_private_one(address: str) -> None:
    """NAT64, 6to4, Teredo, IPv4 within IPv6, and what once was local to a site."""
    hosts = AllowedHosts("*")
    hosts.require_addresses(["2606:4700::1111", "2002:101:101::1"])
    with pytest.raises(NotAllowed):
        hosts.require_addresses([address])


def submitted(laboratory: Laboratory, webhook: str = URL, owner: str = "") -> Experiment:
    """An experiment of one run that wants its end to be told."""
    return laboratory.store.submit(
        spec=b"a",
        content_hash=digest(webhook),
        name="",
        tags=[],
        runs=1,
        wishes=Wishes(webhook=webhook),
        ownership=Ownership(owner=owner),
    ).experiment


def test_an_end_is_told_once_it_is_one(laboratory: Laboratory) -> None:
    """Not before; again after a while, for as long as nobody has said what came of it."""
    store, experiment = laboratory.store, submitted(laboratory)
    assert store.due_webhooks(most=9, seconds=LEASE) == []
    assert store.webhook(experiment.id) == Webhook()
    store.cancel(experiment.id)
    (first,) = store.due_webhooks(most=9, seconds=LEASE)
    assert (first.experiment_id, first.url, first.attempt) == (experiment.id, URL, 1)
    assert first.finished_at == store.experiment(experiment.id).finished_at
    assert store.due_webhooks(most=9, seconds=LEASE) == []
    laboratory.wait(2 * LEASE)
    (second,) = store.due_webhooks(most=9, seconds=100.0)
    assert second.attempt == 2
    store.note_webhook(first, WebhookState.DELIVERED, status=200)
    assert store.webhook(experiment.id).state is WebhookState.PENDING
    store.note_webhook(second, WebhookState.PENDING, status=500, seconds=0.0)
    assert store.webhook(experiment.id) == Webhook(attempts=2, last_status=500)
    laboratory.wait(0.001)
    (third,) = store.due_webhooks(most=9, seconds=0.0)
    store.note_webhook(third, WebhookState.DELIVERED, status=204)
    assert store.webhook(experiment.id) == Webhook(state=WebhookState.DELIVERED, attempts=3, last_status=204)
    laboratory.wait(0.001)
    assert store.due_webhooks(most=9, seconds=LEASE) == []


def test_who_takes_it_and_says_nothing_gives_it_up_in_the_end(laboratory: Laboratory) -> None:
    """After as many attempts as there may be, whatever becomes of those who make them."""
    store, experiment = laboratory.store, submitted(laboratory)
    store.cancel(experiment.id)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert [each.attempt for each in store.due_webhooks(most=9, seconds=0.0)] == [attempt]
        laboratory.wait(0.001)
    for _ in range(2):
        assert store.due_webhooks(most=9, seconds=0.0) == []
        assert store.webhook(experiment.id) == Webhook(state=WebhookState.GIVEN_UP, attempts=MOST_ATTEMPTS)
        laboratory.wait(0.001)


def test_who_wants_none_is_told_none(laboratory: Laboratory) -> None:
    """Nor is the end of what goes on again, nor of what is deleted."""
    store = laboratory.store
    store.cancel(submitted(laboratory, "").id)
    assert store.due_webhooks(most=9, seconds=LEASE) == []
    failed = submitted(laboratory)
    store.fail(laboratory.claim_plan(failed), "boom", is_hopeless=True)
    (told,) = store.due_webhooks(most=9, seconds=100.0)
    store.note_webhook(told, WebhookState.DELIVERED, status=200)
    store.retry(failed.id)
    assert store.webhook(failed.id) == Webhook()
    assert store.due_webhooks(most=9, seconds=LEASE) == []
    store.fail(laboratory.claim_plan(failed), "boom", is_hopeless=True)
    (again,) = store.due_webhooks(most=9, seconds=0.0)
    assert (again.attempt, again.finished_at > told.finished_at) == (1, True)
    store.delete(failed.id)
    store.note_webhook(again, WebhookState.PENDING, status=None)
    laboratory.wait(0.001)
    assert store.due_webhooks(most=9, seconds=LEASE) == []


def test_some_are_taken_at_a_time(laboratory: Laboratory) -> None:
    """Those that have waited longest first."""
    store, ids = laboratory.store, []
    for _ in range(3):
        ids.append(submitted(laboratory).id)
        store.cancel(ids[-1])
    taken = [store.due_webhooks(most=2, seconds=100.0) for _ in range(3)]
    assert [[each.experiment_id for each in some] for some in taken] == [ids[:2], ids[2:], []]


def test_ends_that_no_living_worker_may_tell_are_counted(laboratory: Laboratory) -> None:
    """By host, of every owner; not those whose end somebody may tell, which nobody wants to hear of, or is told."""
    store = laboratory.store
    ends = [submitted(laboratory), submitted(laboratory, "http://b.example/x", owner="ada"), submitted(laboratory, "")]
    assert store.untold(most=9) == []
    for each in ends:
        store.cancel(each.id)
    assert sorted(store.untold(most=9)) == sorted(each.id for each in ends[:2])
    mute = LiveWorker(name="mute", numerics="1", idle=1)
    store.register(mute, queues=Queue, seconds=50.0)
    assert untellable(store) == {"a.example": 1, "b.example": 1}
    assert untellable_sentences({"b.example": 1, "a.example": 2}) == (
        "2 ends wait to be told, and no living worker may tell a.example; "
        "1 end waits to be told, and no living worker may tell b.example"
    )
    assert "a.example" in str(teller_lacking(URL, store))
    teller = LiveWorker(name="teller", numerics="1", idle=1, tells="a.example")
    store.register(teller, queues=[Queue.INTERACTIVE], seconds=50.0)
    assert set(store.look_around(Queue.INTERACTIVE).workers) == {mute, teller}
    assert untellable(store) == {"b.example": 1}
    assert teller_lacking(URL, store) is None
    for each in store.due_webhooks(most=9, seconds=100.0):
        store.note_webhook(each, WebhookState.DELIVERED, status=200)
    assert store.untold(most=9) == []
