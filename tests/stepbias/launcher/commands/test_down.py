"""`stepbias down`, and directories that have moved."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from stepbias.cli.main import app
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.store.state_directory import claim

HOLDER = """
import signal, sys, time
from pathlib import Path
from stepbias.launcher.store.state_directory import claim
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with claim(Path(sys.argv[1])):
    print("claimed", flush=True)
    time.sleep(600)
"""


def test_nothing_to_stop_is_said(tmp_path: Path) -> None:
    """And no error: afterwards none runs, which is what was wished."""
    result = CliRunner().invoke(app, ["down", "--state-dir", str(tmp_path / "nowhere")])
    assert result.exit_code == 0
    assert "nothing runs in" in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_instance_is_stopped_and_waited_for(tmp_path: Path) -> None:
    """By its directory, whoever has started it; afterwards another one may have it."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "claimed\n"
        result = CliRunner().invoke(app, ["down", "--state-dir", str(tmp_path)])
        assert result.exit_code == 0, result.output
        assert "has stopped" in result.stderr
        assert holder.wait(10) in {0, -signal.SIGTERM}
    with claim(tmp_path):
        pass


@pytest.mark.parametrize(
    ("note", "said"), [("lab2:/srv/stepbias\n", "has moved (lab2:/srv/stepbias)"), ("", "nobody has noted")]
)
def test_a_directory_that_has_moved_is_not_used(tmp_path: Path, note: str, said: str) -> None:
    """Until the note is deleted, whose name is told."""
    (tmp_path / "moved").write_text(note)
    with pytest.raises(StartupError) as refused, claim(tmp_path):
        pass
    assert said in str(refused.value)
    assert f"delete {tmp_path / 'moved'}" in str(refused.value)
    assert [each.name for each in tmp_path.iterdir()] == ["moved"]
    (tmp_path / "moved").unlink()
    with claim(tmp_path):
        pass
