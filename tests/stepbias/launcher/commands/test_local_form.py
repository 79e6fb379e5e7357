"""What `stepbias run --out` takes for one file."""

from pathlib import Path

import pytest

from stepbias.launcher.commands.local import run

SPEC = """{
  "data": {"kind": "sparse_regression", "samples": 2, "dimension": 3, "sparsity": 1},
  "initialization": {"kind": "uniform", "scale": 0.1},
  "optimizer": {"kind": "gradient_descent", "step_size": 0.001},
  "stopping": {"steps": 2}
}"""


@pytest.mark.parametrize("name", ["runs.csv", "runs.CSV"])
def test_the_ending_of_a_file_is_in_either_case(tmp_path: Path, name: str) -> None:
    """Endings are written in capitals on some systems: no directory of that name is meant."""
    spec = tmp_path / "spec.json"
    spec.write_text(SPEC)
    assert run(str(spec), out=tmp_path / name, arrays=False, trajectories=False) == 0
    assert (tmp_path / name).read_text().startswith("index,")
