"""Processes kept running together."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Collection
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbias.launcher.processes.output import LARGEST_LOG, ProcessLog
from stepbias.launcher.processes.supervisor import restart_delay
from tests.stepbias.launcher.household import Household, eventually

pytestmark = pytest.mark.services

# Runs what its argument describes; a probe is the name of a file that the process writes when it is ready.
SUPERVISOR = """
import json, os, sys
from pathlib import Path
from stepbias.launcher.processes.managed import ManagedProcess
from stepbias.launcher.startup_error import StartupError
from stepbias.launcher.processes.supervisor import Supervisor

def probe(name):
    return lambda _pid: None if Path(name).exists() else f"there is no {name}"

stages = [[
    ManagedProcess(
        name=child["name"],
        argv=[child.get("program", sys.executable), "-c", child["code"]],
        env=os.environ,
        missing=probe(child.get("probe", ".")),
        ready_timeout=child.get("ready_timeout", 60),
        stop_timeout=child.get("stop_timeout", 10),
        patience=child.get("patience", 10),
    )
    for child in stage
] for stage in json.loads(sys.argv[1])]
try:
    Supervisor(stages, logs=Path("log")).run(lambda: print("ready", flush=True))
except StartupError as error:
    sys.exit(f"refused: {error}")
"""

# One write for a line: what two processes print into one file in two writes each may stand in any order.
SLEEPER = "import os, time; os.write(1, b'%d\\n' % os.getpid()); time.sleep(1000)"

# A process that forks, and both of whom write their number.
FORKER = "import os; os.fork(); " + SLEEPER

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + FORKER


def supervising(
    household: Household, *stages: dict[str, Any] | list[dict[str, Any]], ignored: Collection[signal.Signals] = ()
) -> AbstractContextManager[subprocess.Popen[str]]:
    """The supervisor of these children, each a stage of its own unless listed together; as a context."""
    listed = [stage if isinstance(stage, list) else [stage] for stage in stages]
    return household.head(SUPERVISOR, json.dumps(listed), ignored=ignored)


def await_ready(supervisor: subprocess.Popen[str]) -> None:
    """Return when it has said so."""
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "ready\n"


def log_numbers(household: Household, name: str) -> list[int]:
    """The process ids that a child has written to its log."""
    return household.numbers(f"log/{name}.log")


def has_written(household: Household, name: str, count: int) -> bool:
    """Whether so many processes have written their number to the log."""
    return len(log_numbers(household, name)) == count


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_signal_exits_0_and_leaves_nothing(household: Household, number: signal.Signals) -> None:
    """Ctrl-C, a service manager and a closing terminal are the ordinary ways to end the service."""
    with supervising(household, {"name": "one", "code": SLEEPER}, {"name": "two", "code": FORKER}) as supervisor:
        await_ready(supervisor)
        assert len(household.members()) >= 3
        os.killpg(supervisor.pid, number)
        _, complaints = supervisor.communicate(timeout=30)
        assert (supervisor.returncode, complaints) == (0, "")
        assert household.is_gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_that_was_ignored_at_the_start_stays_so(household: Household, number: signal.Signals) -> None:
    """A job in the background is not meant by Ctrl-C, nor one under nohup by its terminal; SIGTERM ends both."""
    with supervising(household, {"name": "one", "code": SLEEPER}, ignored=[number]) as supervisor:
        await_ready(supervisor)
        os.killpg(supervisor.pid, number)
        # A child that dies wakes the supervisor, which would see a request to stop before it starts the child again.
        assert eventually(partial(has_written, household, "one", 1))
        os.kill(log_numbers(household, "one")[0], signal.SIGKILL)
        assert eventually(partial(has_written, household, "one", 2))
        assert supervisor.poll() is None
        supervisor.terminate()
        assert supervisor.wait(timeout=30) == 0
        assert household.is_gone()


@pytest.mark.parametrize("ignored", [(), (signal.SIGINT, signal.SIGHUP)])
def test_sigterm_is_heard_however_the_supervisor_was_started(
    household: Household, ignored: tuple[signal.Signals, ...]
) -> None:
    """Even where it was ignored."""
    with supervising(household, {"name": "one", "code": SLEEPER}, ignored=[*ignored, signal.SIGTERM]) as supervisor:
        await_ready(supervisor)
        supervisor.terminate()
        assert supervisor.wait(timeout=30) == 0
        assert household.is_gone()


def test_ctrl_c_during_the_start_exits_0_and_leaves_nothing(household: Household) -> None:
    """Whoever changes their mind while the server reads its data need not wait for it."""
    with supervising(household, {"name": "slow", "code": SLEEPER, "probe": "never"}) as supervisor:
        assert eventually(lambda: log_numbers(household, "slow"))
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.communicate(timeout=30) == ("", "")
        assert supervisor.returncode == 0
        assert household.is_gone()


def test_killed_supervisor_leaves_nothing(household: Household) -> None:
    """SIGKILL of the supervisor ends its children, and the grandchildren that are tied to them."""
    tied = """
import os, time, worker.lifeline
master = os.getpid()
if os.fork() == 0:
    worker.lifeline.tie_to_parent(master)
print(os.getpid(), flush=True)
time.sleep(1000)
"""
    with supervising(household, {"name": "one", "code": SLEEPER}, {"name": "two", "code": tied}) as supervisor:
        await_ready(supervisor)
        assert eventually(partial(has_written, household, "two", 2))
        assert len(household.members()) == 4
        supervisor.kill()
        assert eventually(household.is_gone)


def test_child_that_dies_is_started_again(household: Household) -> None:
    """However often it dies; what it left behind goes before its next life begins, and each time one line says so."""
    with supervising(household, {"name": "mortal", "code": FORKER}) as supervisor:
        await_ready(supervisor)
        for life in (1, 2):
            assert eventually(partial(has_written, household, "mortal", 2 * life))
            (leader,) = (pid for pid in log_numbers(household, "mortal")[-2:] if os.getpgid(pid) == pid)
            os.kill(leader, signal.SIGKILL)
        assert eventually(partial(has_written, household, "mortal", 6))
        assert set(household.members()) == {supervisor.pid, *log_numbers(household, "mortal")[-2:]}
        supervisor.terminate()
        _, complaints = supervisor.communicate(timeout=30)
        assert [line.split(" (log")[0] for line in complaints.splitlines()] == [
            "stepbias: mortal ended with signal 9 (Killed)"
        ] * 2
        assert complaints.splitlines()[1].endswith("starting it again in 0.4 s")


def test_start_waits_for_each_and_stop_goes_backwards(household: Household) -> None:
    """What comes later may rely on what came before, from its first moment to its last."""
    code = """
import signal, sys, time
from pathlib import Path
def stop(*_):
    with open("stops", "a") as file:
        print(NUMBER, file=file)
    sys.exit()
signal.signal(signal.SIGTERM, stop)
earlier = [f"ready-{n}" for n in range(NUMBER) if not Path(f"ready-{n}").exists()]
Path(f"missing-{NUMBER}").write_text(str(earlier))
Path(f"ready-{NUMBER}").touch()
time.sleep(1000)
"""
    children = [{"name": f"child-{n}", "code": code.replace("NUMBER", str(n)), "probe": f"ready-{n}"} for n in range(3)]
    with supervising(household, *children) as supervisor:
        await_ready(supervisor)
        assert [(household.directory / f"missing-{n}").read_text() for n in range(3)] == ["[]"] * 3
        supervisor.terminate()
        assert supervisor.wait(timeout=30) == 0
        assert household.numbers("stops") == [2, 1, 0]


def test_those_of_one_stage_start_and_stop_together(household: Household) -> None:
    """Each waits for the other, when it starts and when it is told to stop: one after the other would never end."""
    code = """
import signal, sys, time
from pathlib import Path
def meet(occasion):
    Path(f"{occasion}-OWN").touch()
    while not Path(f"{occasion}-OTHER").exists():
        time.sleep(0.01)
def stop(*_):
    meet("stop")
    Path("met-OWN").touch()
    sys.exit()
signal.signal(signal.SIGTERM, stop)
meet("start")
Path("ready-OWN").touch()
time.sleep(1000)
"""
    stage: list[dict[str, Any]] = [
        {"name": own, "code": code.replace("OWN", own).replace("OTHER", other), "probe": f"ready-{own}"}
        for own, other in (("left", "right"), ("right", "left"))
    ]
    with supervising(household, stage) as supervisor:
        await_ready(supervisor)
        supervisor.terminate()
        assert supervisor.wait(timeout=30) == 0
        assert (household.directory / "met-left").exists()
        assert (household.directory / "met-right").exists()


def test_child_that_ignores_the_stop_signal_is_killed_with_its_group(household: Household) -> None:
    """After its timeout, and its own children with it."""
    with supervising(household, {"name": "stubborn", "code": STUBBORN, "stop_timeout": 0.2}) as supervisor:
        await_ready(supervisor)
        assert eventually(partial(has_written, household, "stubborn", 2))
        supervisor.terminate()
        assert supervisor.wait(timeout=30) == 0
        assert household.is_gone()


def test_insisting_ends_the_wait_for_a_stubborn_child(household: Household) -> None:
    """Further Ctrl-Cs, a second after the first, do not wait for the stop timeout."""
    with supervising(household, {"name": "stubborn", "code": STUBBORN, "stop_timeout": 1e6}) as supervisor:
        await_ready(supervisor)
        assert eventually(partial(has_written, household, "stubborn", 2))

        def insist() -> bool:
            supervisor.send_signal(signal.SIGINT)
            return supervisor.poll() is not None

        assert eventually(insist)
        assert supervisor.returncode == 0
        assert household.is_gone()


def test_child_that_dies_at_its_start_is_reported_with_its_last_words(household: Household) -> None:
    """The reason stands in the message, not in a file that somebody would have to know of; the others are stopped."""
    fatal = "import sys; print('line of its output'); sys.exit('no such database')"
    children = [{"name": "one", "code": SLEEPER}, {"name": "two", "code": fatal, "probe": "never"}]
    (household.directory / "log").mkdir()
    (household.directory / "log" / "two.log").write_text("words of an earlier life\n")
    with supervising(household, *children) as supervisor:
        output, complaints = supervisor.communicate(timeout=30)
        assert (supervisor.returncode, output) == (1, "")
        assert complaints.startswith("refused: two ended at its start with exit code 1; the end of log/two.log:\n")
        assert sorted(complaints.splitlines()[1:]) == ["  line of its output", "  no such database"]
        assert household.is_gone()


def test_child_that_is_not_ready_in_time_is_reported_with_what_is_missing(household: Household) -> None:
    """A deadline that says nothing of its reason is of no use; and with the last words of what is late."""
    child = {"name": "slow", "code": SLEEPER, "probe": "sign", "ready_timeout": 1.5}
    with supervising(household, child) as supervisor:
        _, complaints = supervisor.communicate(timeout=30)
        assert complaints.startswith(
            "refused: slow was not ready after 1.5 s: there is no sign; the end of log/slow.log:"
        )
        assert complaints.splitlines()[1:] == [f"  {log_numbers(household, 'slow')[0]}"]
        assert household.is_gone()


def test_child_that_does_not_work_any_more_is_killed_and_started_again(household: Household) -> None:
    """With its group, and a line that says why; what stays alive would not be missed otherwise."""
    child = {"name": "idler", "code": "from pathlib import Path; Path('well').touch(); " + FORKER, "probe": "well"}
    with supervising(household, {**child, "patience": 0.5}) as supervisor:
        await_ready(supervisor)
        assert eventually(partial(has_written, household, "idler", 2))
        (household.directory / "well").unlink()
        assert eventually(partial(has_written, household, "idler", 4))
        assert set(household.members()) == {supervisor.pid, *log_numbers(household, "idler")[-2:]}
        supervisor.terminate()
        _, complaints = supervisor.communicate(timeout=30)
        assert complaints == (
            "stepbias: idler does not work any more and is killed: there is no well "
            "(log: log/idler.log); starting it again in 0.2 s\n"
        )


def test_program_that_cannot_be_run_is_reported(household: Household) -> None:
    """A missing program is named."""
    child = {"name": "ghost", "code": "", "program": "/nowhere/program"}
    with supervising(household, {"name": "one", "code": SLEEPER}, child) as supervisor:
        _, complaints = supervisor.communicate(timeout=30)
        assert complaints == "refused: cannot run ghost (/nowhere/program): No such file or directory\n"
        assert household.is_gone()


@given(st.lists(st.floats(min_value=0.0, max_value=9.0), max_size=12), st.floats(min_value=10.0, max_value=1e6))
def test_restart_delay_doubles_to_its_limit_and_a_good_life_resets_it(short: list[float], good: float) -> None:
    """0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, … seconds, and 0.2 again after a life of 10 s."""
    delays = []
    delay = restart_delay(previous=None, lived=0.0)
    for lived in short:
        delays.append(delay)
        delay = restart_delay(previous=delay, lived=lived)
    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, *[5.0] * 12][: len(delays)])
    assert restart_delay(previous=delay, lived=good) == 0.2


def test_a_log_that_somebody_has_removed_keeps_nobody_from_being_started_again(household: Household) -> None:
    """With the directory it was in; the service goes on, and writes another one."""
    with supervising(household, {"name": "mortal", "code": FORKER}) as supervisor:
        await_ready(supervisor)
        assert eventually(partial(has_written, household, "mortal", 2))
        (leader,) = (pid for pid in log_numbers(household, "mortal") if os.getpgid(pid) == pid)
        shutil.rmtree(household.directory / "log")
        os.kill(leader, signal.SIGKILL)
        assert eventually((household.directory / "log" / "mortal.log").exists)
        assert eventually(partial(has_written, household, "mortal", 2))
        assert supervisor.poll() is None
        supervisor.terminate()
        assert supervisor.wait(timeout=30) == 0


def test_large_log_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    """A process that logs for years does not fill the disk in one file, and the one before is kept."""
    log = ProcessLog(tmp_path / "log", "worker")
    with log.open() as file:
        file.write(b"x" * LARGEST_LOG)
    with log.open() as file:
        file.write(b"\nthe line after the limit\n")
    with log.open() as file:
        file.write(b"the next life\n")
    assert log.path.read_bytes() == b"the next life\n"
    assert (tmp_path / "log" / "worker.log.1").read_bytes().endswith(b"limit\n")
    assert log.tail() == "  the next life"
