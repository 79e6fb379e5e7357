"""Hostile requests at a real service: each is answered at once, as it is meant to be, and leaves nothing behind."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.contract.hostile import EXPERIMENTS, MARK, ROWS, Hostile
from tests.faults.besieged_service import BesiegedService, Part

MOST_SECONDS: Final = 0.1
"""What an answer may take, in the best of the rounds: others use the machine as well."""

MOST_GROWTH: Final = 20_000_000
"""Bytes by which the API may grow over all rounds."""


@dataclass
class Findings:
    """What came of the rounds: seconds of each request, bytes of the API before and after, and what is wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    before: int = 0
    after: int = 0
    complaints: list[str] = field(default_factory=list)


def rounds(directory: Path, count: int, spec: Mapping[str, Any]) -> Findings:
    """Send every hostile request so many times."""
    found = Findings()
    with BesiegedService(directory, workers=1, settings={}) as service, httpx2.Client(base_url=service.url) as client:
        place = client.post(EXPERIMENTS, json=dict(spec), timeout=30.0).headers["location"]
        for path in ("/docs/api", "/openapi.json", f"{place}?wait=60", f"{place}/results"):
            client.get(path, timeout=90.0)
        found.before = _bytes(service)
        for _ in range(count):
            for number, row in enumerate(ROWS):
                _send(f"{number}: {row.name}", row, place.rpartition("/")[2], client, found)
        found.after = _bytes(service)
        if client.get(f"{place}/results").status_code != 200:
            found.complaints.append("the experiment that was there has no results any more")
    return found


def report(found: Findings) -> Iterator[str]:
    """The figures in lines."""
    every = sorted(seconds for each in found.seconds.values() for seconds in each)
    slowest = max(found.seconds, key=lambda name: min(found.seconds[name]))
    yield f"{len(every)} hostile requests, {len(found.seconds)} different ones"
    yield f"median {every[len(every) // 2] * 1e3:.1f} ms, 99 % {every[len(every) * 99 // 100] * 1e3:.1f} ms"
    yield f"slowest in its best round {min(found.seconds[slowest]) * 1e3:.1f} ms: {slowest}"
    yield f"the API had {found.before / 1e6:.1f} MB before and {found.after / 1e6:.1f} MB after"


def faults_of(found: Findings) -> Iterator[str]:
    """What is wrong."""
    yield from found.complaints
    for name, seconds in found.seconds.items():
        if min(seconds) > MOST_SECONDS:
            yield f"{min(seconds) * 1e3:.0f} ms in the best of {len(seconds)} rounds: {name}"
    if found.after - found.before > MOST_GROWTH:
        yield f"the API has grown by {(found.after - found.before) / 1e6:.1f} MB"


def _send(name: str, row: Hostile, experiment_id: str, client: httpx2.Client, found: Findings) -> None:
    began = time.perf_counter()
    path = row.path.replace("{id}", experiment_id)
    response = client.request(row.method, path, content=row.body, headers=dict(row.headers), timeout=30.0)
    found.seconds[name].append(time.perf_counter() - began)
    details = "" if response.status_code != row.status else str([each["detail"] for each in response.json()["errors"]])
    if response.status_code != row.status or MARK in details:
        found.complaints.append(f"{response.status_code} in place of {name}")


def _bytes(service: BesiegedService) -> int:
    """Resident memory of the API."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in service.members(Part.API))
    return pages * 4096
