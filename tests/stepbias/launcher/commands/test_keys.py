"""`stepbias keys`, and where a service without keys may listen."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.connection import connect
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.cli.main import app
from stepbias.launcher.checks.reach import is_loopback, require_meant
from stepbias.launcher.startup_error import StartupError


def _keys(*words: str | Path, store: str | None) -> Result:
    return CliRunner().invoke(app, ["keys", *map(str, words)], env={"STEPBIAS_REDIS_URL": store})


def test_a_key_is_made_listed_and_revoked(empty_valkey_url: str) -> None:
    """Its secret stands on stdout once, and in no other place."""
    made = _keys("add", "ada", "--expires", "12h", store=empty_valkey_url)
    key = made.stdout.strip()
    assert made.exit_code == 0
    assert key not in made.stderr
    listed = _keys("list", store=empty_valkey_url)
    assert all(word in listed.stdout for word in ("ada", "submit", key[-4:]))
    assert key not in listed.output
    key_id = key.split("_")[1]
    with connect(empty_valkey_url, patience=0.0) as client:
        kept = RedisStore(client, Settings()).key(key_id)
        assert kept is not None
        assert kept.is_of(key)
        assert kept.expires_at == pytest.approx(kept.created_at + 12 * 3600)
        assert key.encode() not in b"".join(client.hvals("stepbias:keys"))
    assert _keys("revoke", key_id, store=empty_valkey_url).exit_code == 0
    again = _keys("revoke", key_id, store=empty_valkey_url)
    assert (again.exit_code, "there is no key" in again.stderr) == (1, True)
    assert _keys("list", store=empty_valkey_url).stdout == ""


def test_keys_are_told_to_programs(empty_valkey_url: str) -> None:
    """The secret where it is made, and nowhere else."""
    made = json.loads(_keys("add", "ada", "--json", store=empty_valkey_url).stdout)
    listed = json.loads(_keys("list", "--json", store=empty_valkey_url).stdout)
    assert listed == [{name: value for name, value in made.items() if name != "key"}]
    assert made["key"].endswith(listed[0]["last_four"])
    assert listed[0]["expires_at"] is None
    revoked = _keys("revoke", made["id"], "--json", store=empty_valkey_url)
    assert json.loads(revoked.stdout) == {"id": made["id"], "revoked": True}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("add", "a/b"), "an owner has 1 to 64 letters"),
        (("add", "ada", "--expires", "soon"), "--expires takes a number of minutes"),
    ],
)
def test_a_wish_that_is_none_is_a_sentence(empty_valkey_url: str, words: tuple[str, ...], complaint: str) -> None:
    """And makes no key."""
    result = _keys(*words, store=empty_valkey_url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert complaint in result.stderr


@pytest.mark.services
def test_keys_are_made_before_the_service_is_started(tmp_path: Path) -> None:
    """In the state directory, which is made where it is absent."""
    directory = tmp_path / "state"
    made = _keys("add", "ada", "--state-dir", directory, store=None)
    assert made.exit_code == 0, made.output
    assert made.stdout.strip()[-4:] in _keys("list", "--state-dir", directory, store=None).stdout


@pytest.mark.parametrize(
    ("host", "is_safe"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("lab.example", False),
    ],
)
def test_a_service_that_others_reach_says_whether_they_need_keys(host: str, *, is_safe: bool) -> None:
    """Unset is no answer there."""
    assert is_loopback(host) is is_safe
    for keys in ("off", "required"):
        require_meant(host, Settings(keys=keys))
    if is_safe:
        require_meant(host, Settings())
    else:
        with pytest.raises(StartupError, match="STEPBIAS_KEYS=required"):
            require_meant(host, Settings())


@pytest.mark.parametrize("limit", ["requests_per_minute", "max_active_of_owner", "max_runs_of_owner"])
def test_limits_of_owners_are_none_where_nobody_is_one(limit: str) -> None:
    """Whoever sets one is told so at the start, and does not believe that it holds."""
    for keys in ("off", None):
        with pytest.raises(StartupError, match=f"STEPBIAS_{limit.upper()} limits owners"):
            require_meant("127.0.0.1", Settings(keys=keys, **{limit: 5}))
    require_meant("127.0.0.1", Settings(keys="required", **{limit: 5}))


@pytest.mark.parametrize("words", [("up", "--port", "0"), ("serve", "api")])
def test_it_is_refused_at_the_start(words: tuple[str, ...], empty_valkey_url: str, tmp_path: Path) -> None:
    """Before anything listens."""
    directory = ("--state-dir", str(tmp_path)) if words[0] == "up" else ()
    environment = {"STEPBIAS_REDIS_URL": empty_valkey_url, "STEPBIAS_KEYS": None}
    result = CliRunner().invoke(app, [*words, *directory, "--host", "0.0.0.0"], env=environment)
    assert result.exit_code == 1
    assert "nobody needs a key" in result.stderr
