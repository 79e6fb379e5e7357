"""The flag by which a worker tells its processes to put their jobs down."""

import subprocess
import sys

from worker.shared_flag import SharedFlag

FAMILY = """
import os, signal, sys, time
from worker.shared_flag import SharedFlag

flag = SharedFlag()
reader, writer = os.pipe()

def member(pause):
    pid = os.fork()
    if pid == 0:
        flag.is_set()
        os.write(writer, b"!")
        while not flag.is_set():
            pause()
        os._exit(7)
    os.read(reader, 1)
    return pid

witness = member(lambda: time.sleep(0.001))
for number in range(10):
    victim = member(lambda: None)
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
flag.set()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(witness, 0)[1]))
"""
"""A process that waits for the flag, and ten, one after the other, that are killed while they do nothing but look."""


def test_a_flag_is_set_once() -> None:
    """In the process that sets it."""
    flag = SharedFlag()
    assert not flag.is_set()
    flag.set()
    flag.set()
    assert flag.is_set()


def test_a_flag_is_seen_by_forked_processes_though_others_were_killed_as_they_looked() -> None:
    """A lock around the look would be left taken by one of the killed, and nobody could look or set any more."""
    assert subprocess.run([sys.executable, "-c", FAMILY], timeout=60, check=False).returncode == 7
