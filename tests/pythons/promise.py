"""Which Pythons are promised, and where this machine has them."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def promised() -> list[str]:
    """The versions among the classifiers of the project, as "3.12"."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = re.findall(r"Python :: (\d+\.\d+)", "\n".join(project["classifiers"]))
    return sorted(versions, key=lambda version: int(version.partition(".")[2]))


def interpreter(version: str) -> Path | None:
    """An interpreter of that version which runs: a launcher of the name may stand for one that is not there."""
    return next((path for path in _candidates(version) if _version(path) == version), None)


def _candidates(version: str) -> Iterator[Path]:
    if (found := shutil.which(f"python{version}")) is not None:
        yield Path(found)
    yield from sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))


def _version(path: Path) -> str | None:
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    try:
        run = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return run.stdout.strip() if run.returncode == 0 else None
