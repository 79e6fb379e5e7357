"""Processes forked of one that has imported the service: they are what programs of their own would be."""

import json
import os
import signal
import subprocess

import pytest

from stepbias.launcher.processes.fork_server import forking
from tests.stepbias.launcher.household import Household, eventually

pytestmark = pytest.mark.services

# Forks what its argument lists, one after the other, says how each ended, and goes on living.
SUPERVISOR = """
import json, os, signal, sys, time
from contextlib import suppress
from pathlib import Path
from stepbias.launcher.processes import fork_server
from stepbias.launcher.processes.fork_server import ForkServer, forking
from stepbias.launcher.processes.managed import ManagedProcess, ProcessLife

def command(arguments):
    described = {"arguments": arguments, "parent": os.getppid(), "leads": os.getpgid(0) == os.getpid(),
        "env": dict(os.environ), "directory": os.getcwd(), "shown": Path("/proc/self/cmdline").read_text(),
        "modules": "mailbox" in sys.modules, "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "files": sorted(os.listdir("/proc/self/fd")), "input": sys.stdin.read()}
    print(json.dumps(described), flush=True)
    if arguments[1] == "sleep":
        time.sleep(1000)
    if arguments[1] == "fail":
        raise RuntimeError("it cannot be done")
    if arguments[1] == "exit":
        raise SystemExit(7)
    return 0

def read_ahead():
    import mailbox

class Slow(fork_server._Forking):
    def _fork(self, *asked):
        pid = super()._fork(*asked)
        if Path("slow").exists():
            Path("slow").unlink()
            time.sleep(1)
        return pid

if sys.argv[2] in ("slow", "stopped"):
    fork_server.ANSWER_SECONDS = 0.3
if sys.argv[2] == "slow":
    fork_server._Forking = Slow
    Path("slow").touch()
signal.signal(signal.SIGTERM, lambda *_: None)
Path("elsewhere").mkdir()
held = open("held", "w")
with forking(read_ahead, command) as server:
    if sys.argv[2] == "killed":
        os.kill(server._pid, signal.SIGKILL)
    if sys.argv[2] == "stopped":
        os.kill(server._pid, signal.SIGSTOP)
    for number, word in enumerate(json.loads(sys.argv[1])):
        spec = ManagedProcess(name=f"child-{number}", argv=[sys.executable, "-c", "print('a program')"],
            env={"WORD": word, "HOUSEHOLD_OF_TEST": os.environ["HOUSEHOLD_OF_TEST"]},
            directory=Path("elsewhere").absolute(), command=("be", word), fork_server=server)
        life = ProcessLife.start(spec, logs=Path("log").absolute())
        if word != "sleep":
            while life.exit_code() is None:
                time.sleep(0.01)
        print(json.dumps([life.pid, life.exit_code(), os.getpid()]), flush=True)
        if sys.argv[2] in ("slow", "stopped"):
            if number == 1:
                with suppress(ProcessLookupError):
                    os.kill(server._pid, signal.SIGCONT)
                time.sleep(2)
    time.sleep(1000)
"""


def _line(supervisor: subprocess.Popen[str]) -> list[int]:
    assert supervisor.stdout is not None
    found: list[int] = json.loads(supervisor.stdout.readline())
    return found


def _log(household: Household, number: int) -> list[str]:
    return (household.directory / "log" / f"child-{number}.log").read_text().splitlines()


def test_a_forked_process_finds_what_a_program_would(household: Household) -> None:
    """Its parent, session, environment, directory, output and signals; no file of the supervisor's; and the imports."""
    with household.head(SUPERVISOR, json.dumps(["live"]), "alive") as supervisor:
        _, code, parent = _line(supervisor)
        told = json.loads(_log(household, 0)[0])
    assert code == 0
    assert told["arguments"] == ["be", "live"]
    assert (told["parent"], told["leads"], told["sigterm"], told["modules"]) == (parent, True, True, True)
    assert told["env"].keys() == {"WORD", "HOUSEHOLD_OF_TEST"}
    assert told["directory"] == str(household.directory / "elsewhere")
    assert told["shown"].rstrip("\0") == "stepbias\0be\0live"
    assert told["input"] == ""
    # The standard three, the directory that is being listed, and what has told of its birth.
    assert len(told["files"]) <= 5


def test_a_forked_process_ends_as_a_program_does(household: Household) -> None:
    """With its exit code, and with an error in its log."""
    with household.head(SUPERVISOR, json.dumps(["exit", "fail"]), "alive") as supervisor:
        assert [_line(supervisor)[1] for _ in range(2)] == [7, 1]
        assert _log(household, 1)[-1] == "RuntimeError: it cannot be done"


def test_a_killed_supervisor_leaves_nothing_that_was_forked(household: Household) -> None:
    """Neither the fork server nor what came of it."""
    with household.head(SUPERVISOR, json.dumps(["sleep"]), "alive") as supervisor:
        pid, _, _ = _line(supervisor)
        assert pid in household.members()
        supervisor.kill()
        assert eventually(household.is_gone)


def test_a_killed_process_is_told_by_its_signal(household: Household) -> None:
    """As the supervisor needs to know, which restarts it."""
    with household.head(SUPERVISOR, json.dumps(["sleep", "live"]), "alive") as supervisor:
        pid, _, _ = _line(supervisor)
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: pid not in household.members())
        assert _line(supervisor)[1] == 0


def test_without_a_fork_server_the_program_is_run(household: Household) -> None:
    """It may be killed: the service goes on without it."""
    with household.head(SUPERVISOR, json.dumps(["live", "live"]), "killed") as supervisor:
        assert [_line(supervisor)[1] for _ in range(2)] == [0, 0]
        assert [_log(household, number) for number in range(2)] == [["a program"]] * 2


@pytest.mark.parametrize("how", ["slow", "stopped"])
def test_what_is_born_too_late_ends_before_it_does_anything(household: Household, how: str) -> None:
    """A program was run in its place, and so is whatever is started before the answer has come; then forks go on."""
    with household.head(SUPERVISOR, json.dumps(["late", "at once", "live"]), how) as supervisor:
        assert [_line(supervisor)[1] for _ in range(3)] == [0, 0, 0]
        assert [_log(household, number) for number in range(2)] == [["a program"]] * 2
        (told,) = _log(household, 2)
        assert json.loads(told)["arguments"] == ["be", "live"]


def test_nothing_is_forked_beside_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may hold a lock that nobody would ever release in the child."""
    monkeypatch.setattr("threading.active_count", lambda: 2)
    with forking(lambda: pytest.fail("it is not to be read"), lambda _: 0) as server:
        assert server is None
