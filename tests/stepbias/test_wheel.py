"""What `pip install stepbias` puts where."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from hatch_build import TARGET

ROOT = Path(__file__).parents[2]
SERVICE = "stepbias/_service"


@pytest.fixture(scope="module")
def wheel() -> Mapping[str, Path]:
    """The files of the wheel, by their places in it, after a build step that found the kernel compiled."""
    builder = WheelBuilder(str(ROOT))
    with builder.config.set_build_data({"artifacts": [str(TARGET)], "force_include": {}}):
        return {file.distribution_path: Path(file.path) for file in builder.recurse_included_files()}


@pytest.fixture(scope="module")
def installed(wheel: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel's files as an installer would lay them down."""
    directory = tmp_path_factory.mktemp("site-packages")
    for place, file in wheel.items():
        (directory / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, directory / place)
    return directory


def test_one_name_is_all_that_a_user_gets(wheel: Mapping[str, Path]) -> None:
    """`core` and `api` are ordinary words, which anybody's site-packages may have."""
    assert {place.split("/")[0] for place in wheel} == {"stepbias"}


@pytest.mark.parametrize("package", ["core", "jobs", "worker", "api"])
def test_the_service_lies_inside_whole(wheel: Mapping[str, Path], package: str) -> None:
    """Every file of the four folders, scripts of the store and sources of the kernel included."""
    there = {file.relative_to(ROOT).as_posix() for place, file in wheel.items() if place.startswith(f"{SERVICE}/")}
    ours = [file for file in (ROOT / package).rglob("*") if file.suffix in {".py", ".lua", ".c", ".h", ".typed"}]
    assert len(ours) > 5
    assert {file.relative_to(ROOT).as_posix() for file in ours} <= there


def test_the_compiled_kernel_lies_beside_its_sources(wheel: Mapping[str, Path]) -> None:
    """Where there is one."""
    assert (f"{SERVICE}/{TARGET.as_posix()}" in wheel) == (ROOT / TARGET).exists()
    assert f"{SERVICE}/{TARGET.parent.as_posix()}/descent.c" in wheel


def test_types_are_declared(wheel: Mapping[str, Path]) -> None:
    """To the type checkers of those who import it."""
    assert "stepbias/py.typed" in wheel


def test_an_installed_launcher_finds_its_own_application(installed: Path, tmp_path: Path) -> None:
    """Neither a checkout's nor the user's, whose modules have the same names; every script of the store is there."""
    for name in ("core", "jobs", "worker", "api"):
        (tmp_path / f"{name}.py").write_text("raise AssertionError('the module of the user')\n")
    program = (
        "import stepbias.launcher, core, jobs, worker, api\n"
        "from jobs.redis_store.scripts import Script, source\n"
        "assert all(source(script) for script in Script)\n"
        "print(*(module.__path__[0] for module in (core, jobs, worker, api)), sep='\\n')\n"
    )
    lines = _python(program, installed, tmp_path)
    assert lines == [str(installed / SERVICE / name) for name in ("core", "jobs", "worker", "api")]


def test_an_installed_client_puts_nothing_else_in_the_way(installed: Path, tmp_path: Path) -> None:
    """Who only speaks to a service keeps the whole name space."""
    program = "import sys\nbefore = list(sys.path)\nfrom stepbias import Client\nprint(sys.path == before)\n"
    assert _python(program, installed, tmp_path) == ["True"]


def _python(program: str, installed: Path, directory: Path) -> list[str]:
    """The lines that a program prints in a directory of the user's, the wheel being installed."""
    environment = dict(os.environ) | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
