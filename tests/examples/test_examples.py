"""Every example is run as it stands, against a service of the test, and leaves behind what it says.

Libraries that are not among our own (Optuna, MLflow, pyarrow) have stand-ins in `tests/examples/stand_ins` where they
are not installed; curl has none, since every machine of ours has it.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.stepbias.client.living_service import LivingService, living_service

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
STAND_INS = Path(__file__).parent / "stand_ins"


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file, at work."""
    with living_service() as service, service.at_work():
        yield service


def _is_picture(file: Path) -> bool:
    return file.read_bytes().startswith(b"\x89PNG")


LEFT: Mapping[str, Callable[[Path, str], bool]] = {
    "curl.sh": lambda desk, said: (
        _is_picture(desk / "risk.png")
        and len((desk / "results.csv").read_text().splitlines()) == 7
        and len(json.loads((desk / "curves.json").read_text())["curves"]) == 2
        and len(said.strip()) == 32
    ),
    "sweep.py": lambda desk, said: said.startswith("27 runs") and _is_picture(desk / "risk.png"),
    "own_data.py": lambda desk, said: "8 samples in 12 columns" in said and _is_picture(desk / "risk.png"),
    "parquet.py": lambda desk, said: (desk / "results.parquet").read_bytes()[:4] == b"PAR1" and "0.3" in said,
    "optuna_study.py": lambda _, said: said.startswith("least excess risk"),
    "mlflow.sh": lambda _, said: said.strip() == "1",
    "exercise.md": lambda _desk, _said: True,
    "notebook.ipynb": lambda _, said: "Converged" in said,
}
"""What each leaves in its directory, and says."""


def _program(example: Path, desk: Path) -> list[str]:
    """What runs it: of pages the code in them, of notebooks their cells, in order."""
    match example.suffix:
        case ".sh":
            return ["/bin/sh", str(example)]
        case ".md":
            code = "\n".join(re.findall(r"^```python\n(.*?)^```", example.read_text("utf-8"), re.DOTALL | re.MULTILINE))
        case ".ipynb":
            cells = json.loads(example.read_text("utf-8"))["cells"]
            code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        case _:
            return [sys.executable, str(example)]
    (desk / "program.py").write_text(code, "utf-8")
    return [sys.executable, str(desk / "program.py")]


NEEDS: Mapping[str, str] = {"optuna_study.py": "optuna", "mlflow.sh": "mlflow", "parquet.py": "pyarrow"}


def _environment(service: LivingService, name: str) -> dict[str, str]:
    """The commands installed, and a stand-in of what is not."""
    needed = NEEDS.get(name)
    stand_ins = [str(STAND_INS / needed)] if needed and needed not in packages_distributions() else []
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return dict(os.environ) | {"STEPBIAS_URL": service.url, "PATH": path, "PYTHONPATH": os.pathsep.join(stand_ins)}


def test_every_example_is_run_and_listed() -> None:
    """None is without what it leaves behind; the page of examples has a row for each."""
    runnable = {each.name for each in EXAMPLES.iterdir() if each.name not in {"README.md", "measurements.csv"}}
    assert runnable == LEFT.keys()
    page = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"[`{name}`]({name})" in page for name in LEFT)


@pytest.mark.parametrize("name", LEFT)
def test_an_example_does_what_it_says(name: str, service: LivingService, tmp_path: Path) -> None:
    """It ends well; a shell stops at the first command that fails."""
    environment = _environment(service, name)
    if name == "mlflow.sh":
        subprocess.run(["/bin/sh", str(EXAMPLES / "curl.sh")], cwd=tmp_path, env=environment, check=True)
    done = subprocess.run(
        _program(EXAMPLES / name, tmp_path), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert LEFT[name](tmp_path, done.stdout), done.stdout


def test_without_a_service_the_example_of_curl_ends(tmp_path: Path) -> None:
    """Instead of asking for ever for an experiment that nobody took."""
    environment = dict(os.environ) | {"STEPBIAS_URL": f"http://127.0.0.1:{free_port()}"}
    done = subprocess.run(["/bin/sh", EXAMPLES / "curl.sh"], cwd=tmp_path, env=environment, check=False, timeout=60)
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_the_notebook_is_of_the_format() -> None:
    """Version 4.5: a name for each cell; nothing that a run has left behind."""
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert all(not cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code")
