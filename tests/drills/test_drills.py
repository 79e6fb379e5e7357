"""The drills in short; and that they notice what they are there for."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.drills import batches, cancel, power
from tests.faults.test_campaign import IMPATIENT

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
]

needs_recording = pytest.mark.skipif(power.unable() is not None, reason=power.unable() or "")


def drill(*arguments: str) -> tuple[int, str]:
    """The exit code of a drill, and what it printed."""
    command = [sys.executable, "-m", "tests.drills", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@needs_recording
def test_power_cuts_take_nothing_that_was_acknowledged() -> None:
    """The server comes up by itself each time, and has all of it."""
    code, told = drill("power", "--count", "4")
    assert code == 0, told
    assert told.endswith("PASSED\n")


@needs_recording
def test_a_server_that_does_not_sync_is_found_out() -> None:
    """The drill would see it: a whole experiment that is lost, or runs of one, as the cut has it."""
    code, told = drill("power", "--count", "3", "--appendfsync", "no")
    assert code == 1, told
    assert "it is not there" in told or "is not there as it was stored" in told


def test_killed_batches_come_to_the_same_bytes() -> None:
    """Whichever optimiser, killed once or three times, from their checkpoints."""
    code, told = drill("batches", "--count", "5")
    assert code == 0, told
    assert " 0 from the beginning" in told


def test_what_is_cancelled_stays_as_it_is(tmp_path: Path) -> None:
    """On the real service, whoever of those who worked on it was killed."""
    outcome = cancel.CancelDrill(tmp_path, seed=0, settings=IMPATIENT).run(waiting=10, victims=cancel.KILLED)
    assert outcome.complaints == []
    assert (outcome.waited, outcome.claimed_jobs, outcome.stored_runs) == (10, 0, 0)
    assert outcome.planned
    assert outcome.runs_kept


def test_a_drill_in_which_nothing_was_resumed_has_failed() -> None:
    """Kills that hit nobody prove nothing, nor do attempts from the beginning."""
    whole = batches.Outcome(cases=Counter({"SGD": 10}), killed=12, resumed=12)
    assert list(batches.faults_of(whole, wanted=10)) == []
    assert len(list(batches.faults_of(whole, wanted=11))) == 1
    assert len(list(batches.faults_of(replace(whole, resumed=6, begun_again=6), wanted=10))) == 1
    assert list(batches.faults_of(replace(whole, complaints=["different"]), wanted=10)) == ["different"]
