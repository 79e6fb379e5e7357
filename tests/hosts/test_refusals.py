"""What is said where this process and the store do not come to terms: in worker, API and doctor, by both clients."""

import random
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.celery_doorbell import CeleryDoorbell, make_celery_app
from jobs.connection import connect, vendor_errors
from jobs.errors import BrokerUnavailable, StoreRefused, StoreUnavailable
from jobs.records import Queue
from jobs.redis_store.users import User, acl
from jobs.settings import Settings
from stepbias.cli.main import app
from tests.conftest import free_port, running_valkey
from tests.faults.proxy import Proxy
from tests.hosts.certificates import expire, make, needs_openssl, server_side

pytestmark = [pytest.mark.services, needs_openssl]


@dataclass(frozen=True, kw_only=True)
class Doors:
    """A store of one machine and its doors, each a port.

    Attributes:
        ca: the file of who signed the certificates of all but `strange`.
        plain: without TLS.
        tls: as it should be, for the name localhost.
        strange: signed by somebody else.
        expired: not valid any more.
        misnamed: for another name.
    """

    ca: Path
    plain: int
    tls: int
    strange: int
    expired: int
    misnamed: int

    def address(self, door: str, scheme: str = "rediss", user: str = "worker:worker") -> str:
        """One of the doors, in an address."""
        return f"{scheme}://{user}@localhost:{getattr(self, door)}/0"


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """All of them."""
    directory = tmp_path_factory.mktemp("doors")
    right, strange, expired, misnamed = (
        make(directory / "right"),
        make(directory / "strange"),
        make(directory / "expired"),
        make(directory / "misnamed", "DNS:store.lab"),
    )
    expire(expired)
    users = acl({User.API: "api", User.WORKER: "worker"})
    (directory / "users.acl").write_text(
        f"{users}user less on >less ~* +ping +info +client|setname\n", encoding="ascii"
    )
    port = free_port()
    with ExitStack() as stack:
        user = "health:any@"
        stack.enter_context(running_valkey(directory, port, user, aclfile=directory / "users.acl"))

        def door(tls: Path) -> int:
            return stack.enter_context(Proxy(lambda: port, random.Random(0), server_side(tls))).port

        # Whoever signs is one file for all: what is wrong about the doors is what their names say.
        ca = directory / "ca.crt"
        signers = (right, expired, misnamed)
        ca.write_text("".join((each / "ca.crt").read_text(encoding="ascii") for each in signers), encoding="ascii")
        yield Doors(
            ca=ca, plain=port, tls=door(right), strange=door(strange), expired=door(expired), misnamed=door(misnamed)
        )


REFUSALS = [
    ("strange", "rediss", "worker:worker", "is signed by nobody whom this machine trusts .*: STEPBIAS_REDIS_CA names"),
    ("expired", "rediss", "worker:worker", r"is not valid today \(certificate has expired\)"),
    ("misnamed", "rediss", "worker:worker", r"is not for the name in the address \(Hostname mismatch"),
    ("plain", "rediss", "worker:worker", "speaks plain text at this port, and the address begins with rediss://"),
    ("tls", "redis", "worker:worker", "speaks TLS at this port, and nothing else: its address begins with rediss://"),
    ("tls", "rediss", "nobody:worker", "knows no such user, or another password of it"),
    ("tls", "rediss", "worker:guess", "knows no such user, or another password of it"),
    ("tls", "rediss", "less:less", "lets this user in, and not do what it has to .*: `stepbias store users`"),
    ("plain", "redis", "", "wants a user and a password, and the address has none"),
    ("plain", "redis", "less:less", "lets this user in, and not do what it has to"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: "-".join(each[:3]))
@pytest.mark.parametrize(
    "command", [["doctor"], ["serve", "worker", "--queue", "batch"], ["serve", "api"]], ids=" ".join
)
def test_every_refusal_is_a_sentence(doors: Doors, command: list[str], refusal: tuple[str, str, str, str]) -> None:
    """At the start, in one line, with exit code 1; no password is in it."""
    door, scheme, user, sentence = refusal
    address = doors.address(door, scheme, user)
    result = CliRunner().invoke(app, command, env={"STEPBIAS_REDIS_URL": address, "STEPBIAS_REDIS_CA": str(doors.ca)})
    told = result.stdout + result.stderr
    assert re.search(f"the store('s certificate)? {sentence}", told), told
    assert result.exit_code == 1
    assert f"{user}@" not in told or not user
    assert "guess" not in told


def test_without_a_certificate_of_its_own_nobody_is_trusted(doors: Doors) -> None:
    """The authorities of the machine have not signed this one."""
    environment = {"STEPBIAS_REDIS_URL": doors.address("tls"), "STEPBIAS_REDIS_CA": None}
    result = CliRunner().invoke(app, ["doctor"], env=environment)
    assert "signed by nobody whom this machine trusts" in result.stdout


@pytest.mark.parametrize("as_secret", [True, False])
def test_the_right_address_is_taken_and_the_ca_may_be_a_secret(doors: Doors, tmp_path: Path, as_secret: bool) -> None:  # noqa: FBT001
    """As a file of its own, which a setting names, or as one of the directory of secrets."""
    environment: dict[str, str | None] = {"STEPBIAS_REDIS_URL": None, "STEPBIAS_REDIS_CA": None}
    if as_secret:
        (tmp_path / "stepbias_redis_url").write_text(doors.address("tls"), encoding="ascii")
        (tmp_path / "stepbias_redis_ca").write_bytes(doors.ca.read_bytes())
        environment["STEPBIAS_SECRETS_DIR"] = str(tmp_path)
    else:
        environment |= {"STEPBIAS_REDIS_URL": doors.address("tls"), "STEPBIAS_REDIS_CA": str(doors.ca)}
    # Its server keeps nothing on disk, which is said of one that answers.
    assert "keeps no append-only file" in CliRunner().invoke(app, ["doctor"], env=environment).stdout


@pytest.mark.parametrize("door", ["strange", "expired", "misnamed"])
def test_the_broker_is_verified_as_the_store_is(doors: Doors, door: str, caplog: pytest.LogCaptureFixture) -> None:
    """By Celery's connections as by ours: a ring goes to the right door, and to no wrong one."""
    ca = doors.ca.read_text(encoding="ascii")

    def bell_at(where: str) -> CeleryDoorbell:
        settings = Settings.model_validate({"redis_url": doors.address(where), "redis_ca": ca})
        return CeleryDoorbell(make_celery_app(settings))

    before = bell_at("tls").unanswered(Queue.BATCH)
    bell_at("tls").ring(Queue.BATCH)
    bell_at(door).ring(Queue.BATCH)
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    assert bell_at("tls").unanswered(Queue.BATCH) == before + 1
    with pytest.raises(BrokerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        bell_at(door).unanswered(Queue.BATCH)


@pytest.mark.parametrize(("door", "is_trusted"), [("tls", True), ("strange", False), ("expired", False)])
def test_a_rabbitmq_is_verified_too(doors: Doors, door: str, is_trusted: bool) -> None:  # noqa: FBT001
    """By the same certificates. Who is trusted here speaks no AMQP, which is seen after that."""
    address = doors.address(door, "amqps").removesuffix("/0")
    settings = {"redis_url": "redis://store", "broker_url": address, "redis_ca": doors.ca.read_text(encoding="ascii")}
    reason = CeleryDoorbell(make_celery_app(Settings.model_validate(settings))).trouble()
    assert reason is not None
    assert ("CERTIFICATE_VERIFY_FAILED" in reason) is not is_trusted


def test_who_is_refused_later_waits_as_for_a_store_that_is_away(doors: Doors) -> None:
    """A certificate may end, or a password change, under a worker that works: it is refused and goes on trying."""
    with connect(doors.address("plain", "redis", "worker:guess"), patience=0.0) as client:
        with pytest.raises(StoreUnavailable) as told, vendor_errors():
            client.ping()
        assert isinstance(told.value, StoreRefused)
