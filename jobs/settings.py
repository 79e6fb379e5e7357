"""Settings of a deployment, read from the environment (`STEPBIAS_…`) or from files of secrets."""

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from jobs.webhooks import signing_keys

SECRETS_DIR: Final = "STEPBIAS_SECRETS_DIR"
"""The environment variable that names a directory of secrets, or several as PATH does; the last one wins."""

STORES: Final = ("redis", "rediss", "unix")
"""Schemes of the addresses of stores."""

_DATABASE: Final = re.compile(r"(?:/[0-9]{0,4})?", re.ASCII)
_DATABASE_IN_QUERY: Final = re.compile(r"(?:db=[0-9]{1,4})?", re.ASCII)
_QUOTING: Final = (
    "behind / stands the number of a database, and in a password / is written as %2F, ? as %3F, # as %23, @ as %40, "
    "% as %25"
)
_PEM: Final = "-----BEGIN "
BROKERS: Final = ("redis", "rediss", "amqp", "amqps")
"""Schemes of the brokers that were tried."""

_SECRETS: Final = ("redis_url", "broker_url", "redis_ca", "webhook_secret")

BEATS_PER_LEASE: Final = 3
"""A worker may miss one heartbeat, on a busy machine or while the store restarts, and keep its job."""

ROUNDS_PER_LEASE: Final = 2
"""Lost work is found at the latest half a lease after its lease."""


class WrongSettings(ValueError):
    """What is set cannot be used; the message says which setting, and why."""


class Settings(BaseSettings):
    """What a deployment may set; every field is the environment variable of its upper-case name after `STEPBIAS_`.

    A variable that is not set may be a file of the same name, in lower case, in the directory `STEPBIAS_SECRETS_DIR`:
    what is in the environment can be read by everybody who may inspect a container, or its processes.
    """

    model_config = SettingsConfigDict(env_prefix="STEPBIAS_", frozen=True)

    redis_url: SecretStr | None = Field(
        default=None, description="Where Redis or Valkey is. Unset: an embedded server."
    )
    redis_ca: str = Field(
        default="",
        description="A file of certificates, in PEM: who must have signed that of a store at `rediss://`. As a file of "
        "`STEPBIAS_SECRETS_DIR` the certificates themselves. Unset: whom this machine trusts.",
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="Where Celery's broker is: redis://, rediss://, amqp:// or amqps://. Unset: the store.",
    )
    celery_events: bool = Field(
        default=False,
        description="Whether workers tell of their work as Celery's events, and answer Celery's remote control.",
    )
    store_memory_bytes: int | None = Field(
        default=None, ge=10_000_000, description="Most memory of the embedded server. Unset: as much as there is."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="How the processes log: as lines of text, or with a JSON object a line."
    )
    lease_seconds: float = Field(default=10.0, gt=0, description="How long a silent worker keeps its job.")
    heartbeat_seconds: float = Field(default=2.0, gt=0, description="How often a worker reports, and hears of cancels.")
    checkpoint_seconds: float = Field(
        default=5.0, gt=0, description="Shortest time between two checkpoints of a batch."
    )
    kernel: str = Field(
        default="auto", description="Which kernel trains: the best there is, or one that `stepbias doctor` lists."
    )
    turn_seconds: float = Field(
        default=10.0,
        ge=0,
        le=1e6,
        description="Seconds of work on one core that an experiment is given before it is another's turn, if it wants "
        "so much. 0: a job.",
    )
    max_attempts: int = Field(default=3, ge=1, description="Attempts at a job before it is dead.")
    janitor_seconds: float = Field(default=1.0, gt=0, le=10, description="How often lost work is looked for.")
    store_patience_seconds: float = Field(default=60.0, ge=0, description="How long a worker waits for a silent store.")
    retention_days: float | None = Field(
        default=None, gt=0, description="A finished experiment is deleted after so many days. Unset: never."
    )
    answer_seconds: float = Field(
        default=86_400.0, ge=60, description="How long it is remembered what was answered under an `Idempotency-Key`."
    )
    process_memory_bytes: int | None = Field(
        default=None,
        ge=1,
        description="Most memory of one process of a worker. Unset: its share of the container's, or of the machine's.",
    )
    stall_seconds: float = Field(
        default=180.0,
        gt=0,
        description="A job without a sign of life for so long is ended; planning has ten times as long.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Names of the service, with commas between; addresses and names without a dot need not be listed.",
    )
    cors_origins: str = Field(
        default="", description="Origins of other pages that may ask, as https://a.example,https://b.example."
    )
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="The prefix under which a proxy shows the service, as /stepbias.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies whose X-Forwarded-Prefix, -Proto and -Host are believed.",
    )
    max_connections: int = Field(default=4000, ge=1, description="Most connections of an API process at once.")
    webhook_hosts: str = Field(
        default="",
        description="Hosts that may be told of the end of experiments, with commas between, or `*` for all; private "
        "addresses only where they, or their networks, are named. Unset: none.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="What webhooks are signed with: `whsec_` and 24 to 64 bytes in base64; two, with a space "
        "between, while it is changed.",
    )
    max_runs: int = Field(default=1_000_000, ge=1, description="Most runs of one experiment.")
    max_data_entries: int = Field(
        default=1_000_000, ge=1, description="Most entries samples × dimension of a data set."
    )
    max_seconds: float = Field(
        default=1e7, gt=0, description="Most seconds that an experiment is predicted to train, on one core."
    )
    max_stored_bytes: float = Field(
        default=4e9, gt=0, description="Most bytes that an experiment is predicted to leave in the store."
    )
    max_memory_bytes: float = Field(
        default=2e9,
        gt=0,
        description="Most memory that one batch or analysis is predicted to take, beside what every worker takes.",
    )
    keys: Literal["off", "required"] | None = Field(
        default=None,
        description="Whether requests need a key. Unset: no, and then the API answers this machine alone.",
    )
    share_runs: Literal["owner", "deployment"] = Field(
        default="owner",
        description="With whom equal runs and analyses are shared. `deployment` tells, by how fast results are there, "
        "that somebody has computed the same.",
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, description="Most requests of an owner in a minute. Unset: any number."
    )
    max_active_of_owner: int | None = Field(
        default=None, ge=1, description="Most experiments of an owner that have not ended. Unset: any number."
    )
    max_runs_of_owner: int | None = Field(
        default=None, ge=1, description="Most runs of all experiments of an owner together. Unset: any number."
    )
    max_body_bytes: int = Field(default=10_000_000, ge=1, description="Largest request body.")

    def __init__(self, **values: Any) -> None:
        directories = secrets_directories()
        for each in directories:
            _require_secrets(each, {f"stepbias_{name}": name in _SECRETS for name in type(self).model_fields})
        super().__init__(_secrets_dir=directories or None, **values)

    @property
    def store_url(self) -> str | None:
        """Where the store is, with the certificates that its own is held to; None where nobody has said."""
        if self.redis_url is None:
            return None
        parts = urlsplit(self.redis_url.get_secret_value())
        if parts.scheme != "rediss":
            return parts.geturl()
        verified = {"ssl_ca_data": self.redis_ca} if self.redis_ca else {}
        query = "&".join(filter(None, (parts.query, urlencode(verified))))
        return parts._replace(query=query).geturl()

    @field_validator("redis_url", "broker_url", mode="before")
    @classmethod
    def _take_empty_for_unset(cls, url: object) -> object:
        return None if url == "" else url

    @field_validator("redis_url")
    @classmethod
    def _require_address(cls, url: SecretStr | None) -> SecretStr | None:
        """Refuse what clients of Redis would refuse later, with a part of the password in what they say."""
        if url is not None and not is_address(url.get_secret_value(), STORES):
            raise ValueError(
                "an address as redis://:PASSWORD@HOST:6379/0 is wanted, or one that begins with rediss:// or unix://; "
                f"{_QUOTING}"
            )
        return url

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _require_verified(cls, url: SecretStr | None) -> SecretStr | None:
        """Refuse what would take any certificate; what says nothing of it is verified."""
        if url is not None and any(
            name.startswith("ssl_") for name in parse_qs(urlsplit(url.get_secret_value()).query)
        ):
            raise ValueError(
                "the certificate of a server and its name are always verified: leave ssl_… out of the address; "
                "STEPBIAS_REDIS_CA names who signs"
            )
        return url

    @field_validator("redis_ca")
    @classmethod
    def _require_certificates(cls, given: str) -> str:
        """The certificates, of a file that is named or as they are given."""
        if not given or given.startswith(_PEM):
            text = given
        else:
            try:
                text = Path(given).read_text(encoding="ascii")
            except (OSError, ValueError) as error:
                raise ValueError(f"no certificates can be read there ({type(error).__name__})") from None
        if given:
            try:
                # Nothing at all would mean whom this machine trusts.
                ssl.create_default_context(cadata=text.strip() or "nothing")
            except (ssl.SSLError, ValueError):
                raise ValueError("there are no certificates in PEM in it") from None
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _require_networks(cls, text: str) -> str:
        for name in filter(None, (each.strip() for each in text.split(","))):
            ipaddress.ip_network(name)
        return text

    @field_validator("broker_url")
    @classmethod
    def _require_broker(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not is_address(url.get_secret_value(), BROKERS):
            raise ValueError(
                f"an address as amqp://USER:PASSWORD@HOST:5672/ is wanted; it begins with one of {', '.join(BROKERS)}; "
                f"{_QUOTING}"
            )
        return url

    @field_validator("webhook_secret")
    @classmethod
    def _require_key(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            signing_keys(secret.get_secret_value())
        return secret

    @model_validator(mode="after")
    def _require_signatures(self) -> Self:
        if self.webhook_hosts and self.webhook_secret is None:
            raise ValueError("STEPBIAS_WEBHOOK_HOSTS needs STEPBIAS_WEBHOOK_SECRET: webhooks are signed")
        return self

    @model_validator(mode="after")
    def _require_consistency(self) -> Self:
        """Refuse settings under which workers at work would be taken for lost, or lost ones for workers at work."""
        lease = f"STEPBIAS_LEASE_SECONDS ({self.lease_seconds:g})"
        if self.lease_seconds < BEATS_PER_LEASE * self.heartbeat_seconds:
            beat = f"STEPBIAS_HEARTBEAT_SECONDS ({self.heartbeat_seconds:g})"
            raise ValueError(f"{lease} must be at least {BEATS_PER_LEASE} times {beat}, or workers at work lose jobs")
        if ROUNDS_PER_LEASE * self.janitor_seconds > self.lease_seconds:
            period = f"STEPBIAS_JANITOR_SECONDS ({self.janitor_seconds:g})"
            raise ValueError(f"{period} must be at most half of {lease}, or lost work waits for long")
        if self.stall_seconds <= self.lease_seconds:
            stall = f"STEPBIAS_STALL_SECONDS ({self.stall_seconds:g})"
            raise ValueError(f"{stall} must be more than {lease}: a job is at work for a lease before it can stall")
        if self.stall_seconds <= self.store_patience_seconds:
            patience = f"STEPBIAS_STORE_PATIENCE_SECONDS ({self.store_patience_seconds:g})"
            stall = f"STEPBIAS_STALL_SECONDS ({self.stall_seconds:g})"
            raise ValueError(f"{stall} must be more than {patience}: a job that waits for the store has not stalled")
        return self


def _require_secrets(directory: Path, names: Mapping[str, bool]) -> None:
    """Refuse what the library would at most warn of: a deployment without its secrets starts with a store of its own.

    Args:
        directory: of secrets.
        names: what files are called that are read; whether one that is empty is wrong: it would hide what another
            directory has, or say that there is no store.

    Raises:
        ValueError: it is no directory, or one of them is no file of it that has text in it.
        OSError: it may not be looked into, or one of them not be read.
    """
    if not directory.is_dir():
        raise ValueError(f"{directory} is no directory")
    for file in directory.iterdir():
        if file.name.lower() not in names:
            continue
        if not file.is_file():
            # As Docker makes them, where the file is missing that is to be mounted.
            raise ValueError(f"{file} is no file")
        if directory.resolve() not in file.resolve().parents:
            raise ValueError(f"{file} leads out of its directory, and is not read: put the file itself there")
        if names[file.name.lower()] and not file.stat().st_size:
            raise ValueError(f"{file} is empty")
        try:
            file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"{file} is not text in UTF-8") from None


def secrets_directories() -> list[Path]:
    """The directories of secrets that the environment names; of a secret that several have, the last one counts."""
    return [Path(each) for each in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if each]


def webhook_secret_now(settings: Settings) -> SecretStr | None:
    """What webhooks are signed with, as its file has it at the moment; one that is wrong, or gone, changes nothing."""
    if secrets_directories():
        with suppress(ValueError, OSError):
            return Settings().webhook_secret or settings.webhook_secret
    return settings.webhook_secret


def is_address(url: str, schemes: Sequence[str]) -> bool:
    """Whether clients understand all of it: what they do not, some quote, and some pass over."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in schemes or parts.fragment or port == 0:
        return False
    if parts.scheme == "unix":
        return bool(parts.path) and _DATABASE_IN_QUERY.fullmatch(parts.query) is not None
    # Certificates are spoken of elsewhere, with a sentence of their own.
    is_plain = not parts.query or all(name.startswith("ssl_") for name in parse_qs(parts.query, keep_blank_values=True))
    is_numbered = parts.scheme.startswith("amqp") or _DATABASE.fullmatch(parts.path) is not None
    return bool(parts.hostname) and is_plain and is_numbered


def settings_of_environment() -> Settings:
    """What the environment and the directory of secrets set.

    Raises:
        WrongSettings: it cannot be used, as one sentence.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise WrongSettings("; ".join(_sentence(str(each["msg"]), *each["loc"]) for each in error.errors())) from None
    except (ValueError, OSError) as error:
        raise WrongSettings(f"{SECRETS_DIR}: {error}") from None


def _sentence(reason: str, name: int | str | None = None) -> str:
    """What is wrong; a rule on several settings names them itself. A value may be a secret, and is not repeated."""
    reason = reason.removeprefix("Value error, ")
    return reason if name is None else f"STEPBIAS_{str(name).upper()}: {reason[:1].lower()}{reason[1:]}"
