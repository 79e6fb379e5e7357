"""Where settings come from."""

import os
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.settings import SECRETS_DIR, Settings, WrongSettings, settings_of_environment

IN_FILE = "redis://:from-a-file@store:6379/0"
IN_ENVIRONMENT = "redis://:from-the-environment@store:6379/0"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the server's address in it, as a text editor would leave it."""
    (tmp_path / "stepbias_redis_url").write_text(IN_FILE + "\n", encoding="utf-8")
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))
    monkeypatch.delenv("STEPBIAS_REDIS_URL", raising=False)
    return tmp_path


@pytest.mark.usefixtures("secrets")
def test_a_setting_is_read_from_the_directory_of_secrets() -> None:
    """The address with its password need not be in the environment."""
    assert _redis_url() == IN_FILE


@pytest.mark.usefixtures("secrets")
def test_the_environment_comes_before_the_directory_of_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a deployment always has can be overruled for one process."""
    monkeypatch.setenv("STEPBIAS_REDIS_URL", IN_ENVIRONMENT)
    assert _redis_url() == IN_ENVIRONMENT


def test_without_the_directory_of_secrets_nothing_is_read(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even from the directory that the process runs in."""
    monkeypatch.delenv(SECRETS_DIR)
    monkeypatch.chdir(secrets)
    assert Settings().redis_url is None


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e15", "-1"])
def test_a_turn_is_so_long_that_the_store_can_count_it(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    """Its scripts know neither infinity nor virtual times beyond 10¹⁵."""
    monkeypatch.setenv("STEPBIAS_TURN_SECONDS", seconds)
    with pytest.raises(WrongSettings, match="STEPBIAS_TURN_SECONDS"):
        settings_of_environment()


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"LEASE_SECONDS": "1.5"},
            r"STEPBIAS_LEASE_SECONDS \(1.5\) must be at least 3 times STEPBIAS_HEARTBEAT_SECONDS \(2\), or .*",
        ),
        (
            {"JANITOR_SECONDS": "5.1"},
            r"STEPBIAS_JANITOR_SECONDS \(5.1\) must be at most half of STEPBIAS_LEASE_SECONDS \(10\), or .*",
        ),
        (
            {"STALL_SECONDS": "10"},
            r"STEPBIAS_STALL_SECONDS \(10\) must be more than STEPBIAS_LEASE_SECONDS \(10\): .*",
        ),
        (
            {"STALL_SECONDS": "60"},
            r"STEPBIAS_STALL_SECONDS \(60\) must be more than STEPBIAS_STORE_PATIENCE_SECONDS \(60\): .*",
        ),
        ({"LEASE_SECONDS": "abc"}, "STEPBIAS_LEASE_SECONDS: input should be a valid number, .*"),
        (
            {"MAX_RUNS": "0", "JANITOR_SECONDS": "11"},
            "STEPBIAS_JANITOR_SECONDS: input should be less .*; STEPBIAS_MAX_RUNS: input should be greater .*",
        ),
    ],
)
def test_wrong_settings_are_one_sentence(
    environment: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names that were set: alone, and against each other."""
    for name, value in environment.items():
        monkeypatch.setenv(f"STEPBIAS_{name}", value)
    with pytest.raises(WrongSettings) as wrong:
        settings_of_environment()
    assert re.fullmatch(sentence, str(wrong.value))


def test_settings_at_their_limits_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three heartbeats and two rounds in a lease."""
    limits = {"LEASE_SECONDS": "6", "HEARTBEAT_SECONDS": "2", "JANITOR_SECONDS": "3", "STALL_SECONDS": "60.1"}
    for name, value in limits.items():
        monkeypatch.setenv(f"STEPBIAS_{name}", value)
    assert settings_of_environment().lease_seconds == 6.0


def test_secrets_that_cannot_be_read_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is no directory of them; no secret is in the sentence."""
    (tmp_path / "file").write_text(IN_FILE)
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path / "file"))
    with pytest.raises(WrongSettings, match=f"^{SECRETS_DIR}: ") as wrong:
        settings_of_environment()
    assert "from-a-file" not in str(wrong.value)


def _redis_url() -> str | None:
    url = Settings().redis_url
    return None if url is None else url.get_secret_value()


@pytest.mark.parametrize(
    "address",
    [
        "nonsense://:s3cr3t@store:6379/0",
        "redis://:s3/cr3t@store:6379/0",
        "redis://:s3#cr3t@store:6379/0",
        "redis://:s3cr3t@store:many/0",
        "redis://:s3cr3t@store:70000/0",
        "redis://:s3cr3t@[store/0",
        "store:6379",
        "unix://",
    ],
)
def test_an_address_that_no_client_could_use_is_refused_without_being_repeated(secrets: Path, address: str) -> None:
    """A client would say it later, and quote what it took for the port: a part of the password."""
    (secrets / "stepbias_redis_url").write_text(address, encoding="utf-8")
    with pytest.raises(WrongSettings, match=r"STEPBIAS_REDIS_URL: an address as redis://:PASSWORD@HOST") as refusal:
        settings_of_environment()
    assert "cr3t" not in str(refusal.value)
    assert "s3" not in str(refusal.value)


@pytest.mark.parametrize(
    "address", ["redis://h", "rediss://u:p%2Fq@h:1/2", "unix:///run/redis.sock", "redis://[::1]:7/0"]
)
def test_an_address_that_a_client_could_use_is_taken(secrets: Path, address: str) -> None:
    """With and without port, database and password."""
    (secrets / "stepbias_redis_url").write_text(address, encoding="utf-8")
    assert _redis_url() == address


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("redis_url", "redis://:word@store.lab:6379/abc"),
        ("redis_url", "redis://:word@store.lab:6379/0?foo=bar"),
        ("redis_url", "redis://:word@store.lab:6379/0#x"),
        ("broker_url", "redis://user:wo/rd@store.lab:6379/0"),
        ("broker_url", "amqp://user:wo/rd@rabbit.lab:5672/"),
        ("broker_url", "redis://"),
        ("broker_url", "amqp://user:word@rabbit.lab:5672/?ssl=no"),
    ],
)
def test_what_no_client_would_understand_whole_is_refused_without_being_repeated(name: str, address: str) -> None:
    """Some would quote a part of the password, some take another database."""
    with pytest.raises(ValidationError) as told:
        Settings.model_validate({name: address})
    (error,) = told.value.errors()
    assert "is written as %2F" in error["msg"]
    assert "wo" + "rd@" not in error["msg"]


@pytest.mark.parametrize("name", ["redis_url", "broker_url"])
def test_an_empty_variable_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose sets it where nobody has given one."""
    monkeypatch.setenv(f"STEPBIAS_{name.upper()}", "")
    assert getattr(Settings(), name) is None


def test_an_empty_file_of_secrets_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hide what another directory has, or mean that there is no store."""
    good, empty = tmp_path / "good", tmp_path / "empty"
    for each, text in ((good, "redis://store.lab:6379/0"), (empty, "")):
        each.mkdir()
        (each / "stepbias_redis_url").write_text(text, encoding="ascii")
    monkeypatch.setenv(SECRETS_DIR, f"{good}{os.pathsep}{empty}")
    with pytest.raises(WrongSettings, match="stepbias_redis_url is empty"):
        settings_of_environment()


def test_a_secret_that_is_no_text_is_told_by_its_file(secrets: Path) -> None:
    """As of an editor with another encoding; nothing of it is repeated."""
    file = secrets / "stepbias_redis_url"
    file.write_bytes("redis://:s3cr3tä@store:6379/0".encode("latin-1"))
    with pytest.raises(WrongSettings, match=f"^{SECRETS_DIR}: {file} is not text in UTF-8$"):
        settings_of_environment()


@pytest.mark.parametrize(
    ("name", "said"),
    [("directory", "is no file"), ("nowhere", "is no file"), ("outside", "leads out of its directory")],
)
def test_what_is_no_file_of_the_directory_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    """A directory that Docker made, a link to nothing, or one elsewhere: the library warns, and takes it for unset."""
    secrets = tmp_path / "secrets"
    (secrets / "directory").mkdir(parents=True)
    (tmp_path / "outside").write_text(IN_FILE)
    file = secrets / "stepbias_redis_url"
    file.symlink_to(tmp_path / "outside" if name == "outside" else secrets / name)
    monkeypatch.setenv(SECRETS_DIR, str(secrets))
    with pytest.raises(WrongSettings, match=f"{file} {said}"):
        settings_of_environment()
    # As a Kubernetes volume has them: links to a directory beside them.
    file.unlink()
    (secrets / "directory" / "it").write_text(IN_FILE)
    file.symlink_to(secrets / "directory" / "it")
    assert _redis_url() == IN_FILE


@pytest.mark.parametrize("address", ["rediss://h:6379/0?ssl_cert_reqs=none", "amqps://h/?ssl_cert_reqs=none"])
def test_nothing_in_an_address_turns_verification_off(address: str) -> None:
    """Of a broker as little as of the store."""
    with pytest.raises(ValidationError, match="always verified"):
        Settings.model_validate({"broker_url": address})


def test_an_empty_file_of_certificates_is_wrong(tmp_path: Path) -> None:
    """It would mean whoever this machine trusts."""
    (tmp_path / "ca.pem").touch()
    with pytest.raises(ValidationError, match="no certificates in PEM"):
        Settings.model_validate({"redis_ca": str(tmp_path / "ca.pem")})
