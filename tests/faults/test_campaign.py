"""The campaign in short: each of the common faults once, on the real service, under load."""

import sys
from pathlib import Path
from typing import Final

import pytest

from tests.faults.campaign import Campaign, Orders
from tests.faults.faults import Fault
from tests.faults.report import faults_of

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
]

STANDSTILL: Final = 90.0
"""Work that somebody has to come back for stands still for ever, not for as long as a loaded machine takes."""

FAULTS: Final = {
    "kill batch child": 0.0,
    "kill server twice": 0.5,
    "half-open connections": 0.0,
    "stop, then kill batch worker": 1.0,
    "hold packets": 2.5,
    "kill api": 0.0,
    "short write": 0.0,
    "stop interactive worker": 3.0,
    "cut replies": 2.0,
    "full store": 2.0,
    "kill everything": 0.0,
}
"""Seconds that each lasts."""

IMPATIENT: Final = {
    "STEPBIAS_LEASE_SECONDS": "2",
    "STEPBIAS_HEARTBEAT_SECONDS": "0.2",
    "STEPBIAS_CHECKPOINT_SECONDS": "0.2",
    "STEPBIAS_JANITOR_SECONDS": "0.3",
    # On a loaded machine a stopped worker and one that gets no time are alike, and neither is a sign of a bad batch.
    "STEPBIAS_MAX_ATTEMPTS": "100",
}
"""Settings under which a killed worker's batch is missed within seconds."""


@pytest.mark.timeout(600)
def test_no_fault_loses_doubles_or_changes_anything(tmp_path: Path) -> None:
    """Everything accepted ends as its client asked, its numbers those of an undisturbed run to the bit."""
    faults = [Fault(kind=kind, seconds=seconds, share=1.0, calm=0.3) for kind, seconds in FAULTS.items()]
    orders = Orders(faults=faults, seed=0, period=1.5, longs=0.1, settings=IMPATIENT)
    outcome = Campaign(orders, tmp_path, print).run()
    assert faults_of(outcome, planned=len(faults), standstill=STANDSTILL) == []
    assert all(strike.hit for strike in outcome.strikes)
    assert outcome.runs > len(faults)
