"""All tables are measured by one command; one that fails costs no other."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.turns import Effort
from core.descent.kernel import kernel_names


def test_what_fails_is_named_and_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its former numbers stay, and the part after it is measured."""

    def absent(_: Effort) -> dict[str, object]:
        raise FileNotFoundError("mlflow")

    monkeypatch.setattr(command, "COMMANDS", {"tracker": absent, "recording": lambda _: {"ratio": 1.02}})
    (tmp_path / "tracker.json").write_text('{"of": "before"}')

    assert command.measure_all("all", Effort(kernel="numpy"), tmp_path) == ["tracker"]
    assert json.loads((tmp_path / "tracker.json").read_text()) == {"of": "before"}
    assert json.loads((tmp_path / "recording.json").read_text())["ratio"] == 1.02


def test_one_part_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for alone, it is not merely named."""

    def absent(_: Effort) -> dict[str, object]:
        raise FileNotFoundError("mlflow")

    monkeypatch.setattr(command, "COMMANDS", {"tracker": absent})
    with pytest.raises(FileNotFoundError):
        command.measure_all("tracker", Effort(), tmp_path)


@pytest.mark.skipif(kernel_names()[0] != "avx512", reason="this processor has no more than AVX2")
def test_all_tables_are_those_of_avx2_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the processor has more, there are two of the kernel."""
    monkeypatch.setattr(command, "COMMANDS", {"kernel": lambda effort: {"held_to": effort.kernel}})

    command.measure_all("all", Effort(), tmp_path)

    found = {name: json.loads((tmp_path / f"{name}.json").read_text())["held_to"] for name in ("kernel", "kernel-avx2")}
    assert found == {"kernel": "auto", "kernel-avx2": "avx2"}
