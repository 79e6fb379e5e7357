"""Where settings come from."""

from pathlib import Path

import pytest

from jobs.settings import SECRETS_DIR, Settings

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


def _redis_url() -> str | None:
    url = Settings().redis_url
    return None if url is None else url.get_secret_value()
