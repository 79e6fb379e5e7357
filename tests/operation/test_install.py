"""The page on installing, typed in a clone of the last commit by somebody without root; then without a network."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stepbias import Client
from tests.operation.page import ROOT, Block, Reader, files_under, typed

pytestmark = [pytest.mark.services, pytest.mark.thorough, pytest.mark.timeout(1800)]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The last commit, with the environment of this checkout in place of one that would be made for it."""
    if not (ROOT / ".git").exists():
        pytest.skip("no history here to clone")
    checkout = tmp_path / "home" / "checkout"
    checkout.parent.mkdir()
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", checkout], check=True)
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    os.utime(ROOT / ".venv" / ".ready")
    return checkout


def test_it_is_installed_from_wheels_with_and_without_a_network(tmp_path: Path, clone: Path) -> None:
    """A first experiment is done by what was installed; nothing is written outside of the home."""
    reader = Reader(tmp_path / "home")
    with reader:
        reader.environment["PATH"] = os.pathsep.join(
            each for each in os.environ["PATH"].split(os.pathsep) if not each.startswith(str(ROOT))
        )
        # The address of the page's port, which is another one here, is told when somebody listens there.
        address = reader.environment.pop("STEPBIAS_URL")
        reader.type(Block(text=f"cd {clone}", line=0))
        make, install, look, up, first, down, unit, client, gather, offline, words = typed("install.md")
        reader.type(make)
        assert len(list((clone / "dist").glob("*.whl"))) == 2
        try:
            reader.type(install)
        except AssertionError as error:
            if "No matching distribution" in str(error) or "Connection" in str(error):
                pytest.skip("no network here to install from")
            raise
        told = reader.type(look)
        assert "WRONG" not in told
        assert "of avx512" in told or "of avx2" in told or "of baseline" in told or "of neon" in told
        reader.type(up)
        reader.environment["STEPBIAS_URL"] = address
        assert "succeeded" in reader.type(first) or _is_done(reader)
        reader.type(down)
        del reader.environment["STEPBIAS_URL"]
        reader.type(unit)
        _verify_unit(tmp_path / "home" / ".config" / "systemd" / "user" / "stepbias.service")
        assert "0.2" in reader.type(client)
        light = files_under(tmp_path / "home" / "client-env")
        assert not [name for name in light if "/numpy" in name or "/_service" in name]
        reader.type(gather)
        for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
            reader.environment.pop(name, None)
        # Whoever asks a network here is told of none.
        reader.environment |= {"HTTPS_PROXY": "http://127.0.0.1:9", "PIP_CONFIG_FILE": os.devnull}
        assert "WRONG" not in reader.type(offline)
        assert "stepbias" in reader.type(words)


def _is_done(reader: Reader) -> bool:
    with Client(reader.url()) as client:
        return [each.status for each in client.experiments()] == ["succeeded"]


def _verify_unit(unit: Path) -> None:
    """What systemd itself says of it, where there is one."""
    text = unit.read_text()
    assert "ExecStart=%h/stepbias-env/bin/stepbias up" in text
    if (analyze := shutil.which("systemd-analyze")) is not None:
        done = subprocess.run([analyze, "--user", "verify", unit], capture_output=True, text=True, check=False)
        wrong = [
            line for line in done.stderr.splitlines() if "stepbias.service" in line and "not executable" not in line
        ]
        assert wrong == []
