"""The units of systemd: they are understood, start what there is, and are closed to what they need not."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

UNITS: Final = Path(__file__).parents[2] / "deploy" / "systemd"

PROGRAM: Final = "/opt/stepbias/bin"

MOST_EXPOSED: Final = "25"
"""In tenths, by systemd's own measure; a unit without any of it has 96."""

ANALYZE: Final = shutil.which("systemd-analyze")

INSTALLED: Final = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


@pytest.fixture
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit as an installation has it, with the programs of this one; of a template an instance."""
    source = UNITS / request.param
    path = tmp_path / source.name.replace("@", "@batch")
    path.write_text(source.read_text(encoding="utf-8").replace(PROGRAM, str(Path(sys.executable).parent)))
    return path


def names() -> list[str]:
    """Of all units."""
    return sorted(each.name for each in UNITS.glob("*.service"))


@INSTALLED
@pytest.mark.parametrize("unit", names(), indirect=True)
def test_systemd_understands_every_line(unit: Path) -> None:
    """And finds the program."""
    done = subprocess.run([str(ANALYZE), "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@INSTALLED
@pytest.mark.parametrize("unit", names(), indirect=True)
def test_a_unit_is_closed_to_what_it_need_not(unit: Path) -> None:
    """By systemd's own measure."""
    words = ["security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
    done = subprocess.run([str(ANALYZE), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@INSTALLED
def test_a_wrong_line_would_be_noticed(tmp_path: Path) -> None:
    """What is held to nothing holds nothing."""
    wrong = tmp_path / "wrong.service"
    wrong.write_text("[Service]\nExecStart=/bin/true\nProtectSysten=strict\n")
    done = subprocess.run([str(ANALYZE), "verify", "--man=no", str(wrong)], capture_output=True, text=True, check=False)
    assert "ProtectSysten" in done.stderr


@pytest.mark.parametrize("name", names())
def test_secrets_are_read_from_credentials_alone(name: str) -> None:
    """What is in the environment of a unit can be read by everybody who may ask for its properties."""
    text = (UNITS / name).read_text(encoding="utf-8")
    assert "LoadCredential=stepbias:/etc/stepbias/secrets" in text
    assert "STEPBIAS_SECRETS_DIR=%d" in text
    assert not re.search(r"Environment=STEPBIAS_(REDIS_URL|BROKER_URL|WEBHOOK_SECRET)", text)
