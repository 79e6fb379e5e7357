"""Where a script finds its service."""

import sys
from pathlib import Path
from typing import Any

import pytest

import stepbias as sb
from stepbias import connecting
from stepbias.connecting import connect, profiles_file

FILE = """
[default]
url = "http://default.example"
api_key = "of-default"

[lab]
url = "http://lab.example"
timeout = 5
"""


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In place of clients what they are made of; a file of profiles, and nothing in the environment."""
    monkeypatch.setattr(connecting, "Client", dict)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("STEPBIAS_URL", raising=False)
    profiles_file().parent.mkdir()
    profiles_file().write_text(FILE)
    profiles_file().chmod(0o600)


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
def test_a_key_that_others_may_read_is_warned_of() -> None:
    """A profile without one is nobody's secret."""
    profiles_file().chmod(0o640)
    connect(profile="lab")
    with pytest.warns(UserWarning, match=f"^{profiles_file()} holds a key, and others than its owner may read it"):
        connect()


@pytest.mark.parametrize(
    ("given", "environment", "wanted"),
    [
        ({"url": "http://u"}, "http://e", {"base_url": "http://u"}),
        (
            {"url": "http://u", "api_key": "k", "timeout": 2},
            None,
            {"base_url": "http://u", "api_key": "k", "timeout": 2},
        ),
        ({"profile": "lab"}, "http://e", {"base_url": "http://lab.example", "timeout": 5}),
        ({}, "http://e", {"base_url": "http://e"}),
        ({}, None, {"base_url": "http://default.example", "api_key": "of-default"}),
        ({"api_key": "k"}, None, {"base_url": "http://default.example", "api_key": "k"}),
    ],
)
def test_what_is_said_goes_before_what_is_set_up(
    given: Any, environment: str | None, wanted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the key of a profile goes to its address alone."""
    if environment:
        monkeypatch.setenv("STEPBIAS_URL", environment)
    assert connect(**given) == wanted


def test_without_a_file_it_is_this_machine() -> None:
    """On the port that the service takes."""
    profiles_file().unlink()
    assert connect() == {"base_url": "http://127.0.0.1:8000"}


@pytest.mark.parametrize(
    ("content", "profile", "complaint"),
    [
        (FILE, "labor", "has no profile called labor; there are: default, lab"),
        ("[lab", None, "cannot be read"),
        ("[lab]\nadress = 'http://x'", "lab", "the profile lab has adress, which says nothing"),
        ("lab = 3", "lab", "has no profile called lab"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(content: str, profile: str | None, complaint: str) -> None:
    """With its path."""
    profiles_file().write_text(content)
    with pytest.raises(sb.UnusableEnvironment, match=complaint) as refused:
        connect(profile=profile)
    assert str(profiles_file()) in str(refused.value)
