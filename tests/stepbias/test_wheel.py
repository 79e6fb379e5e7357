"""What `pip install stepbias` and `pip install 'stepbias[service]'` put where, and how much of it."""

import os
import py_compile
import re
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from service.hatch_build import TARGET

ROOT: Final = Path(__file__).parents[2]
SERVICE: Final = "stepbias/_service"
LARGEST_CLIENT: Final = 10_000_000
"""Bytes of the client with all that it depends on, compiled by pip."""
COMPILER: Final = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo library > "$2"
"""
"""Stands in for the compiler, which takes a minute: writes what it is told to."""


def _wheel_of(project: Path, directory: Path, **environment: str) -> Path:
    """The wheel that is built of the source distribution of a project, where nothing else of the checkout is."""
    (sdist,) = SdistBuilder(str(project)).build(directory=str(directory), versions=["standard"])
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    unpacked = directory / Path(sdist).name.removesuffix(".tar.gz")
    build = "from hatchling.build import build_wheel; print(build_wheel('..'))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", build],
        cwd=unpacked,
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return directory / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the client."""
    return _wheel_of(ROOT, tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the service, on a machine with a compiler."""
    directory = tmp_path_factory.mktemp("service")
    compiler = directory / "cc"
    compiler.write_text(COMPILER)
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    return _wheel_of(ROOT / "service", directory, CC=str(compiler))


def _unpacked(directory: Path, *wheels: Path) -> Path:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(directory)
    return directory


@pytest.fixture(scope="module")
def client_alone(client: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the files of the client as an installer would lay them down."""
    return _unpacked(tmp_path_factory.mktemp("site-packages"), client)


@pytest.fixture(scope="module")
def both(client: Path, service: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the files of both."""
    return _unpacked(tmp_path_factory.mktemp("site-packages"), client, service)


def _files(wheel: Path) -> set[str]:
    """The places of what a wheel installs, but for what it says of itself."""
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def _metadata(wheel: Path) -> Mapping[str, list[str]]:
    """Every field of what it says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        (file,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        message = Parser().parsestr(archive.read(file).decode())
    return {field: message.get_all(field, []) for field in message}


def test_one_name_is_all_that_a_user_gets(client: Path, service: Path) -> None:
    """`core` and `api` are ordinary words, which anybody's site-packages may have."""
    assert {place.split("/")[0] for place in _files(client) | _files(service)} == {"stepbias"}


def test_no_file_is_of_both_and_none_of_neither(client: Path, service: Path) -> None:
    """Whichever is removed leaves the other whole; scripts of the store and sources of the kernel are there."""
    assert _files(client) & _files(service) == set()
    kinds = {".py", ".lua", ".c", ".h", ".typed", ".js", ".css", ".html"}
    places = {each: f"{SERVICE}/{each}" for each in ("core", "jobs", "worker", "api")} | {"stepbias": "stepbias"}
    for package, place in places.items():
        ours = {f.relative_to(ROOT / package).as_posix() for f in (ROOT / package).rglob("*") if f.suffix in kinds}
        assert len(ours) > 5
        assert {f"{place}/{name}" for name in ours} <= _files(client) | _files(service)


def test_the_client_is_of_no_platform_and_has_nothing_of_the_service(client: Path) -> None:
    """What it cannot run it does not carry."""
    assert client.name.endswith("-py3-none-any.whl")
    assert [place for place in _files(client) if place.startswith((SERVICE, "stepbias/launcher"))] == []


def test_the_compiled_kernel_lies_beside_its_sources(service: Path) -> None:
    """And the wheel says of which platform it is."""
    assert re.search(r"-py3-none-(?!any)\w+\.whl$", service.name)
    assert zipfile.ZipFile(service).read(f"{SERVICE}/{TARGET.as_posix()}") == b"library\n"
    assert f"{SERVICE}/{TARGET.parent.as_posix()}/descent.c" in _files(service)


def test_without_a_compiler_the_service_is_of_every_platform(tmp_path: Path) -> None:
    """NumPy trains, then."""
    wheel = _wheel_of(ROOT / "service", tmp_path, CC="no-such-compiler")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert f"{SERVICE}/{TARGET.as_posix()}" not in _files(wheel)


def test_both_are_of_one_version_and_ask_for_each_other_in_it(client: Path, service: Path) -> None:
    """Which is written in one place; a wheel that was built of a source distribution names no folder."""
    of_client, of_service = _metadata(client), _metadata(service)
    (version,) = of_client["Version"]
    assert of_service["Version"] == [version]
    assert f"stepbias=={version}" in of_service["Requires-Dist"]
    assert {each for each in of_client["Requires-Dist"] if "extra" in each} == {
        f"stepbias-service=={version}; extra == 'service'",
        f"stepbias-service[otel]=={version}; extra == 'otel'",
    }
    for field in ("Requires-Python", "License-Expression"):
        assert of_service[field] == of_client[field]
    assert (ROOT / "service" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_in_a_checkout_the_extra_is_the_service_of_the_checkout() -> None:
    """`pip install '.[service]'` looks for it nowhere else."""
    metadata: ProjectMetadata[PluginManager] = ProjectMetadata(str(ROOT), PluginManager())
    folder = (ROOT / "service").as_uri()
    assert metadata.core.optional_dependencies == {
        "service": [f"stepbias-service @ {folder}"],
        "otel": [f"stepbias-service[otel] @ {folder}"],
    }


def test_types_are_declared(client: Path) -> None:
    """To the type checkers of those who import it."""
    assert "stepbias/py.typed" in _files(client)


def test_a_client_with_all_that_it_depends_on_is_small(client_alone: Path, tmp_path: Path) -> None:
    """Sources, and the byte code that pip writes beside each of them."""
    files = [file for file in client_alone.rglob("*") if file.is_file()]
    for name in _dependencies("stepbias"):
        installed = distribution(name)
        listed = (Path(str(installed.locate_file(file))) for file in installed.files or ())
        of_this = [file for file in listed if file.suffix != ".pyc" and file.is_file()]
        assert of_this, name
        files += of_this
    size = sum(file.stat().st_size for file in files)
    compiled = tmp_path / "compiled.pyc"
    for file in files:
        if file.suffix == ".py":
            py_compile.compile(str(file), cfile=str(compiled), doraise=True)
            size += compiled.stat().st_size
    assert LARGEST_CLIENT / 2 < size < LARGEST_CLIENT


def _dependencies(name: str) -> set[str]:
    """The distributions that one needs here, and that these need, without any extra."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for requirement in distribution(waiting.pop()).requires or ():
            needed = re.match(r"[\w.-]+", requirement)
            if needed and "extra ==" not in requirement and _is_here(needed[0]) and needed[0] not in found:
                found.add(needed[0])
                waiting.append(needed[0])
    return found


def _is_here(name: str) -> bool:
    """What is not installed is for another platform or another Python."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def test_an_installed_launcher_finds_its_own_application(both: Path, tmp_path: Path) -> None:
    """Neither a checkout's nor the user's, whose modules have the same names; every script of the store is there."""
    for name in ("core", "jobs", "worker", "api"):
        (tmp_path / f"{name}.py").write_text("raise AssertionError('the module of the user')\n")
    program = (
        "import stepbias.launcher, core, jobs, worker, api\n"
        "from jobs.redis_store.scripts import Script, source\n"
        "assert all(source(script) for script in Script)\n"
        "print(*(module.__path__[0] for module in (core, jobs, worker, api)), sep='\\n')\n"
    )
    lines = _python(program, both, tmp_path)
    assert lines == [str(both / SERVICE / name) for name in ("core", "jobs", "worker", "api")]


def test_an_installed_client_puts_nothing_else_in_the_way(client_alone: Path, tmp_path: Path) -> None:
    """Who only speaks to a service keeps the whole name space."""
    program = "import sys\nbefore = list(sys.path)\nfrom stepbias import Client\nprint(sys.path == before)\n"
    assert _python(program, client_alone, tmp_path) == ["True"]


def _python(program: str, installed: Path, directory: Path) -> list[str]:
    """The lines that a program prints in a directory of the user's, the wheels being installed."""
    environment = dict(os.environ) | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
