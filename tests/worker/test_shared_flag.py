"""The flag by which a worker tells its processes to put their jobs down."""

import subprocess
import sys

from worker.shared_flag import SharedFlag

FAMILY = """
import os, signal, sys, time
from worker.shared_flag import SharedFlag
flag = SharedFlag()
reader, writer = os.pipe()
killed = os.fork()
if killed == 0:
    while not flag.is_set():
        pass
witness = os.fork()
if witness == 0:
    os.write(writer, b"!")
    while not flag.is_set():
        time.sleep(0.001)
    os._exit(7)
os.read(reader, 1)
os.kill(killed, signal.SIGKILL)
os.waitpid(killed, 0)
flag.set()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(witness, 0)[1]))
"""


def test_a_flag_is_set_once() -> None:
    """In the process that sets it."""
    flag = SharedFlag()
    assert not flag.is_set()
    flag.set()
    flag.set()
    assert flag.is_set()


def test_a_flag_is_seen_by_forked_processes_though_one_was_killed_as_it_looked() -> None:
    """One that does nothing but look is killed; a lock around the look would most likely stay taken for ever."""
    assert subprocess.run([sys.executable, "-c", FAMILY], timeout=60, check=False).returncode == 7
