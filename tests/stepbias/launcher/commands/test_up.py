"""What `stepbias up` says when it is ready."""

import json
from pathlib import Path

import pytest

from core.descent.kernel import chosen
from stepbias.launcher.commands import up
from stepbias.launcher.service import RunningService

SERVICE = RunningService(url="http://127.0.0.1:8000", state_dir=Path("state"), workers=2)


@pytest.mark.parametrize("name", ["auto", "numpy"])
def test_the_kernel_is_the_one_that_trains(name: str) -> None:
    """As the workers choose it."""
    assert up.kernel_in_use(name) == chosen(name)


def test_the_line_names_address_directory_workers_and_kernel(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line; as JSON the same."""
    monkeypatch.setenv("STEPBIAS_KERNEL", "numpy")
    up._announce(SERVICE, as_json=False, until_eof=False)
    said = capsys.readouterr().out
    assert said == "stepbias is ready at http://127.0.0.1:8000 (state in state, 2 workers, kernel numpy)\n"
    up._announce(SERVICE, as_json=True, until_eof=False)
    document = json.loads(capsys.readouterr().out)
    assert document == {"url": SERVICE.url, "state_dir": "state", "workers": 2, "kernel": "numpy"}


def test_without_a_compiled_kernel_it_says_what_would_bring_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr."""
    monkeypatch.setattr(up, "library", lambda: None)
    up._announce(SERVICE, as_json=False, until_eof=False)
    said = capsys.readouterr()
    assert "kernel numpy" in said.out
    assert "C compiler (cc)" in said.err
