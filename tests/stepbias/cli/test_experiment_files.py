"""The files that an experiment leaves behind, and those that they must not replace."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from stepbias.cli.experiment_files import require_own
from stepbias.cli.main import app


def test_files_of_the_same_experiment_are_replaced(tmp_path: Path) -> None:
    """An empty or absent directory has none, and one that was saved into before has its spec."""
    require_own(tmp_path / "absent", b"{}", ["results.json"])
    (tmp_path / "notes.txt").write_bytes(b"mine")
    require_own(tmp_path, b"{}", ["results.json"])
    for name in ("spec.json", "results.json"):
        (tmp_path / name).write_bytes(b"{}")
    require_own(tmp_path, b"{}", ["results.json"])


@pytest.mark.parametrize("name", ["spec.json", "results.csv"])
def test_what_is_not_of_this_experiment_is_not_replaced(tmp_path: Path, name: str) -> None:
    """The user's own spec first of all."""
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="not from this experiment") as caught:
        require_own(tmp_path, b"{}", ["results.csv"])
    assert caught.value.filename == str(tmp_path / name)


def test_run_leaves_the_spec_alone_that_it_is_given(tmp_path: Path) -> None:
    """Before any work; so it is said where it stands."""
    spec = tmp_path / "spec.json"
    spec.write_text(_SPEC)
    done = CliRunner().invoke(app, ["run", str(spec), "--out", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"stepbias: {spec}: it is there already, and not from this experiment")
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]
    assert spec.read_text() == _SPEC


@pytest.mark.parametrize("command", ["fetch", "run"])
def test_no_directory_is_not_this_directory(command: str) -> None:
    """An empty word comes of a variable that is not set."""
    done = CliRunner().invoke(app, [command, "x", "--out", ""])
    assert done.exit_code == 2
    assert "a directory is wanted" in done.stderr


_SPEC = """{
  "data": {"kind": "sparse_regression", "samples": 4, "dimension": 6, "sparsity": 2},
  "initialization": {"kind": "uniform", "scale": 0.1},
  "optimizer": {"kind": "gradient_descent", "step_size": 0.001}
}
"""
