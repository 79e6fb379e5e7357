"""Children do not outlive their parent."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stepbias.launcher.processes.tether import spawn
from tests.stepbias.launcher.household import Household, eventually
from worker import lifeline

pytestmark = pytest.mark.services

# A parent with one tethered child, which forks a grandchild as the Celery master forks its pool.
FAMILY = """
import os, sys, time
import stepbias.launcher.processes.tether, worker.lifeline
if sys.argv[1] == "without kernel":
    stepbias.launcher.processes.tether.KERNEL_ENDS_ORPHANS = False
    worker.lifeline.KERNEL_ENDS_ORPHANS = False

CHILD = '''
import os, sys, time
import worker.lifeline
if sys.argv[1] == "without kernel":
    worker.lifeline.KERNEL_ENDS_ORPHANS = False
master = os.getpid()
if os.fork() == 0:
    os.setsid()  # out of reach of a kill of the group
    worker.lifeline.tie_to_parent(master)
print(os.getpid(), flush=True)
time.sleep(1000)
'''
with open("pids", "wb") as output:
    stepbias.launcher.processes.tether.spawn([sys.executable, "-c", CHILD, sys.argv[1]], env=os.environ, output=output)
time.sleep(1000)
"""


@pytest.mark.parametrize("kernel", ["with kernel", "without kernel"])
def test_killed_parent_leaves_no_child_and_no_grandchild(household: Household, kernel: str) -> None:
    """SIGKILL of the parent ends its descendants, by the kernel's signal or by the watches that stand in for it."""
    with household.head(FAMILY, kernel) as parent:
        assert eventually(lambda: len(household.numbers("pids")) == 2)
        # The watch that stands in for the kernel is the fourth.
        assert eventually(lambda: len(household.members()) == (3 if kernel == "with kernel" else 4))
        parent.kill()
        assert eventually(household.is_gone)


def test_tie_to_a_parent_that_is_already_gone_ends_the_process_at_once() -> None:
    """The parent may die between the fork and the request; no signal would ever come for that."""
    program = "import sys, worker.lifeline; worker.lifeline.tie_to_parent(int(sys.argv[1])); print('still here')"
    gone = subprocess.run([sys.executable, "-c", program, "999999999"], capture_output=True, check=False)
    kept = subprocess.run([sys.executable, "-c", program, str(os.getpid())], capture_output=True, check=False)
    assert (gone.returncode, gone.stdout) == (-signal.SIGKILL, b"")
    assert (kept.returncode, kept.stdout) == (0, b"still here\n")


@pytest.mark.skipif(not lifeline.KERNEL_ENDS_ORPHANS, reason="no such request on this system")
def test_refused_request_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tie that the kernel did not take is never believed in silently."""
    monkeypatch.setattr(lifeline, "_PR_SET_PDEATHSIG", 10**6)
    with pytest.raises(OSError, match="Invalid argument"):
        lifeline.request_death_with_parent(os.getppid())


def test_child_is_out_of_reach_of_the_terminal(tmp_path: Path) -> None:
    """The child leads its own session: Ctrl-C goes to the parent's group alone."""
    with (tmp_path / "output").open("wb") as output:
        child = spawn([sys.executable, "-c", "import time; time.sleep(1000)"], env=os.environ, output=output)
    try:
        assert os.getsid(child.pid) == child.pid
        assert child.exit_code() is None
    finally:
        child.sweep()
    assert child.exit_code() == -signal.SIGKILL


def test_sweep_ends_the_group_of_a_child_that_has_ended(household: Household) -> None:
    """A leader that exits and leaves its own child behind does not leave it to us."""
    program = """
import os, sys
from stepbias.launcher.processes.tether import spawn
from worker.lifeline import adopt_orphans
adopt_orphans()
FORK = "import os, time; os.fork() or time.sleep(1000)"
with open("log", "wb") as output:
    child = spawn([sys.executable, "-c", FORK], env=os.environ, output=output)
while child.exit_code() is None:
    pass
print("left", flush=True)
sys.stdin.readline()
child.sweep()
child.sweep()
print("swept", flush=True)
sys.stdin.readline()
"""
    with household.head(program) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stdout.readline() == "left\n"
        assert len(household.members()) == 2
        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "swept\n"
        assert household.members() == [parent.pid]


def test_only_the_main_thread_may_start_a_tethered_process(tmp_path: Path) -> None:
    """The kernel would end the child together with the thread that started it."""
    refusals: list[str] = []

    def start() -> None:
        with (tmp_path / "output").open("wb") as output:
            try:
                spawn([sys.executable, "-c", ""], env=os.environ, output=output).sweep()
            except RuntimeError as error:
                refusals.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(refusals) == 1
    assert "main thread" in refusals[0]
