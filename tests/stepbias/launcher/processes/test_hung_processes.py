"""What lives but does not work is ended, and restarted where that is our part: real processes, stopped."""

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from stepbias.launcher.processes.watchdog import GIVEN_UP
from tests.stepbias.launcher.household import Household, eventually

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

PATIENCE = 120.0

UP = """
import os
os.environ.pop("STEPBIAS_REDIS_URL", None)
os.environ["STEPBIAS_JANITOR_SECONDS"] = "0.2"
from stepbias.cli.main import app
app()
"""

# Watches a process that works as long as there is a file, and is given up two seconds later.
WATCH = """
import os, sys
from pathlib import Path
from stepbias.launcher.processes.managed import ManagedProcess
from stepbias.launcher.processes.watchdog import run_watched

def missing(_pid):
    Path("asked").touch()
    return None if Path("well").exists() else "it is not well"

argv = [sys.executable, "-c", sys.argv[1]]
sys.exit(run_watched(ManagedProcess(name="child", argv=argv, env=os.environ, missing=missing, patience=2.0)))
"""

SLEEPER = "import os, time; os.fork(); os.write(1, b'%d\\n' % os.getpid()); time.sleep(1000)"


def _leader(household: Household, word: str) -> int | None:
    """The process that works, by a word of its command line; it leads the group of its own processes."""
    found = [pid for pid in household.members() if _leads(pid) and word in _words(pid)]
    return found[0] if found else None


def _leads(pid: int) -> bool:
    """One that has ended meanwhile leads nobody."""
    with suppress(ProcessLookupError):
        return os.getpgid(pid) == pid
    return False


def _words(pid: int) -> list[str]:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    # The head of the household has these words on its command line in a program of one word.
    return words if "serve" in words else []


def test_a_stopped_api_and_a_stopped_worker_are_restarted(household: Household) -> None:
    """Neither ends by itself, and each complaint says which one it was and why; the service is whole again."""
    with household.head(UP, "up", "--port", "0", "--workers", "1", "--state-dir", "state") as supervisor:
        assert supervisor.stdout is not None
        url = supervisor.stdout.readline().split()[4]
        stopped = {part: _leader(household, part) for part in ("api", "batch")}
        for pid in stopped.values():
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
        for part, pid in stopped.items():
            assert eventually(lambda pid=pid, part=part: _leader(household, part) not in {None, pid}, patience=PATIENCE)
        assert eventually(lambda: _is_ready(url), patience=PATIENCE)
        supervisor.terminate()
        _, complaints = supervisor.communicate(timeout=60)
    killed = re.compile(r"^stepbias: (.*) does not work any more and is killed: (.*) \(log", re.MULTILINE)
    reasons = dict(killed.findall(complaints))
    assert reasons.keys() == {"api", "worker-batch"}
    assert reasons["api"].endswith("/healthz gets no answer (TimeoutError)")
    assert reasons["worker-batch"].startswith("the store has not heard of worker ")


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", timeout=5.0).status_code == 200
    except httpx2.HTTPError:
        return False


def test_the_watch_kills_what_does_not_work_and_ends(household: Household) -> None:
    """With a code of its own, so that a container ends and is restarted; the group of the process goes with it."""
    (household.directory / "well").touch()
    with household.head(WATCH, SLEEPER) as watch:
        assert eventually(lambda: len(household.members()) == 3 and (household.directory / "asked").exists())
        (household.directory / "well").unlink()
        _, complaints = watch.communicate(timeout=PATIENCE)
        assert watch.returncode == GIVEN_UP
        assert complaints.endswith("stepbias: child does not work any more and is killed: it is not well\n")
        assert household.is_gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("last_words", "code"), [("sys.exit(3)", 3), ("signal.raise_signal(number)", 0)])
def test_the_watch_hands_on_the_request_to_stop(
    household: Household, number: signal.Signals, last_words: str, code: int
) -> None:
    """As SIGTERM, which ends the process as well as it can; its exit code is that of the watch."""
    child = f"""
import os, signal, sys, time
def stop(number, _frame):
    os.write(1, b"asked to stop %d\\n" % number)  # a print in a handler may come in the middle of another one
    signal.signal(number, signal.SIG_DFL)
    {last_words}
signal.signal(signal.SIGTERM, stop)
os.write(1, b"listening\\n")
time.sleep(1000)
"""
    with household.head(WATCH, child) as watch:
        assert watch.stderr is not None
        assert watch.stderr.readline() == "listening\n"
        watch.send_signal(number)
        assert watch.communicate(timeout=60) == ("", "asked to stop 15\n")
        assert watch.returncode == code
        assert household.is_gone()


@pytest.mark.parametrize(("last_words", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 137)])
def test_the_watch_ends_as_its_process_does(household: Household, last_words: str, code: int) -> None:
    """What ends by itself is for others to restart."""
    with household.head(WATCH, f"import os, sys; {last_words}") as watch:
        assert watch.wait(timeout=60) == code
