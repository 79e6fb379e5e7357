"""The credentials of a store's users, as `stepbias store` draws them."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from unittest import mock

import pytest
import redis
from click.testing import CliRunner
from redis.backoff import ConstantBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from jobs.redis_store.users import User
from stepbias.cli.groups.store import USERS
from stepbias.cli.main import app
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.credentials import FOLDERS, address_of, ensure_credentials
from tests.conftest import free_port, running_valkey

STORE = "redis://store:6379/0"


def test_the_command_knows_the_users() -> None:
    """Its choices are written down where nothing of the service is imported."""
    assert set(USERS) == set(FOLDERS)


def test_a_password_that_is_there_is_kept(tmp_path: Path) -> None:
    """The server has data behind it; the address may change."""
    first = _addresses(tmp_path, STORE)
    second = _addresses(tmp_path, "rediss://elsewhere:6380/0")
    assert second == [each.replace("redis:", "rediss:").replace("store:6379", "elsewhere:6380") for each in first]
    assert address_of(tmp_path, User.WORKER, STORE) == first[2]


def test_each_user_of_each_deployment_has_a_password_of_its_own(tmp_path: Path) -> None:
    """Of 256 random bits; names as the server has them."""
    found = [address for name in ("one", "two") for address in _addresses(tmp_path / name, STORE)]
    names, passwords = zip(*(each[8:].partition("@")[0].split(":") for each in found), strict=True)
    assert names == ("", "api", "worker") * 2
    assert len(set(passwords)) == 6
    assert min(map(len, passwords)) >= 43


def test_a_volume_of_before_goes_on_working(tmp_path: Path) -> None:
    """Its password is the administrator's, who has no name: whoever has that address is let in as ever."""
    (tmp_path / "stepbias_redis_url").write_text("redis://:one-for-all@redis:6379/0\n", encoding="ascii")
    everybodys, api, worker = _addresses(tmp_path, "redis://redis:6379/0")
    assert everybodys == "redis://:one-for-all@redis:6379/0"
    assert "one-for-all" not in api + worker


def test_only_hashes_are_for_others_to_read(tmp_path: Path) -> None:
    """The server runs as another user and needs no more."""
    urls = _addresses(tmp_path, STORE)
    modes = {str(each.relative_to(tmp_path)): oct(stat.S_IMODE(each.stat().st_mode)) for each in tmp_path.rglob("*_*")}
    assert modes == dict.fromkeys((f"{each}stepbias_redis_url" for each in ("", "api/", "worker/")), "0o400")
    assert stat.S_IMODE((tmp_path / "users.acl").stat().st_mode) == 0o444
    users = (tmp_path / "users.acl").read_text(encoding="ascii")
    assert not any(each.partition("@")[0].rpartition(":")[2] in users for each in urls)


@pytest.mark.parametrize("address", ["store:6379", "http://store", "redis://ada@store", "redis://"])
def test_what_is_no_address_is_a_sentence(tmp_path: Path, address: str) -> None:
    """Nothing is written then."""
    with pytest.raises(StartupError, match="the address of a store is"):
        ensure_credentials(tmp_path, address)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("user", list(FOLDERS))
@pytest.mark.parametrize("fault", ["empty", "directory", "closed", "no address", "no password", "no text"])
def test_a_password_that_cannot_be_read_is_not_drawn_anew(tmp_path: Path, user: User, fault: str) -> None:
    """The server has data behind it, and every other process an address with it: nothing at all is changed."""
    ensure_credentials(tmp_path, STORE)
    file = tmp_path / FOLDERS[user] / "stepbias_redis_url"
    closed = _spoil(file, fault)
    before = _contents(tmp_path)
    with closed, pytest.raises(StartupError, match=f"password of {user} .*nothing is changed") as refused:
        ensure_credentials(tmp_path, "redis://elsewhere:6379/0")
    assert str(file) in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
    assert _contents(tmp_path) == before
    with closed:
        done = CliRunner().invoke(app, ["store", "users", str(tmp_path), "--at", STORE])
    assert (done.exit_code, "nothing is changed" in done.stderr) == (1, True)


def _spoil(file: Path, fault: str) -> AbstractContextManager[object]:
    """What may have become of the file; the block in which it is so, where that is for root to pretend."""
    if fault == "closed":
        denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        real = Path.read_text

        def read(path: Path, *arguments: str, **options: str) -> str:
            if path == file:
                raise denied
            return real(path, *arguments, **options)

        return mock.patch.object(Path, "read_text", read)
    file.unlink()
    texts = {
        "empty": b"",
        "no address": b"redis://:s3cr3t@[",
        "no password": b"redis://store:6379/0\n",
        "no text": b"\xff",
    }
    if fault == "directory":
        file.mkdir()
    else:
        file.write_bytes(texts[fault])
    return nullcontext()


def _contents(directory: Path) -> dict[str, bytes]:
    return {str(each.relative_to(directory)): each.read_bytes() for each in directory.rglob("*") if each.is_file()}


def test_the_commands_draw_and_tell(tmp_path: Path) -> None:
    """Addresses as other hosts have them; without passwords a sentence."""
    shell, at = CliRunner(), ("--at", "rediss://store.lab:6380")
    early = shell.invoke(app, ["store", "address", "worker", str(tmp_path), *at])
    assert (early.exit_code, "`stepbias store users` draws them" in early.stderr) == (1, True)
    assert shell.invoke(app, ["store", "users", str(tmp_path / "new"), *at]).exit_code == 0
    told = shell.invoke(app, ["store", "address", "worker", str(tmp_path / "new"), *at]).stdout
    assert told == (tmp_path / "new" / "worker" / "stepbias_redis_url").read_text(encoding="ascii")
    assert told.startswith("rediss://worker:")
    assert told.endswith("@store.lab:6380/0\n")


@pytest.fixture(params=["packaged", "redis-server"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The port of a server with these users: ours, and that of the machine where there is one."""
    program = None if request.param == "packaged" else shutil.which(request.param)
    if request.param != "packaged" and program is None:
        pytest.skip("no redis-server on this machine")
    port = free_port()
    ensure_credentials(tmp_path, f"redis://127.0.0.1:{port}/0")
    user = f"{_addresses(tmp_path, f'redis://127.0.0.1:{port}/0')[0][8:].partition('@')[0]}@"
    with running_valkey(tmp_path, port, user, program=program, aclfile=tmp_path / "users.acl"):
        yield f"127.0.0.1:{port}/0"


@pytest.mark.services
def test_a_server_lets_in_the_service_and_nobody_else(guarded: str, tmp_path: Path) -> None:
    """A real server with these users: each works and may not administer, others may at most ask for a sign."""
    for url in _addresses(tmp_path, f"redis://{guarded}"):
        with redis.Redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 500)) as user:
            assert user.register_script("return redis.call('SET', KEYS[1], 'kept')")(keys=["stepbias:probe"])
            assert user.info("persistence")["loading"] == 0
            with pytest.raises(NoPermissionError):
                user.config_get("dir")
            with pytest.raises(NoPermissionError):
                user.get("a key of somebody else")
    stranger = f"redis://:guess@{guarded}"
    with redis.Redis.from_url(stranger) as refused, pytest.raises(AuthenticationError):
        refused.ping()
    with redis.Redis.from_url(stranger.replace(":guess@", "health:any@")) as health:
        assert health.ping()
        with pytest.raises(NoPermissionError):
            health.get("stepbias:probe")


def _addresses(directory: Path, address: str) -> list[str]:
    directory.mkdir(exist_ok=True)
    ensure_credentials(directory, address)
    return [(directory / each / "stepbias_redis_url").read_text(encoding="ascii").strip() for each in FOLDERS.values()]
