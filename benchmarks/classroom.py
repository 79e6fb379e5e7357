"""A class: twenty people submit at once; ten of them wait for one more experiment as well, the same for all ten."""

import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.request import Request, urlopen

from benchmarks.living_service import LivingService, living_service
from benchmarks.processes import core_seconds
from benchmarks.turns import Effort, in_turn
from stepbias.launcher.service import usable_cores

PEOPLE: Final = 20
TOGETHER: Final = 10
"""So many of them want one more, the same."""

MAX_STEPS: Final = 1_000_000
ROUNDS: Final = 2
SHARED: Final = "shared"
WORKERS: Final = "worker"
"""A word in their command line, whichever version they are of."""

POLL_SECONDS: Final = 0.25
ENDED: Final = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """When what so many wait for ended: seconds since the first was submitted, and what workers had taken then."""

    name: str
    people: int
    seconds: float
    core_seconds: float


def measure_classroom(effort: Effort) -> dict[str, Any]:
    """The mean time to a result, and the place of the shared one; in turn with those of the other version, if any.

    All of it speaks plain HTTP, which versions have in common.
    """
    people = 4 if effort.quick else PEOPLE
    commands = {"stepbias": ""} | ({"other": effort.other} if effort.other else {})
    lessons = in_turn(
        {
            name: _lesson_of(command, people, 20_000 if effort.quick else MAX_STEPS)
            for name, command in commands.items()
        },
        1 if effort.quick else ROUNDS,
    )
    found: dict[str, Any] = {name: _summary(ends) for name, ends in lessons.items()}
    for name, numbers in found.items():
        print(f"{name}: {_sentence(numbers)}", flush=True)
    return {"people": people, "lessons": found}


def _lesson_of(command: str, people: int, max_steps: int) -> Callable[[], list[Ended]]:
    return lambda: lesson(command, people, max_steps)


def lesson(command: str, people: int, max_steps: int) -> list[Ended]:
    """What everybody waited for, in the order in which it ended."""
    asked = [[_spec(number, max_steps)] for number in range(people)]
    for wishes in asked[: people * TOGETHER // PEOPLE]:
        wishes.append(_spec(people, max_steps) | {"name": SHARED})
    with living_service(usable_cores(), command) as service, ThreadPoolExecutor(people) as threads:
        barrier, began, spent = threading.Barrier(people), time.monotonic(), core_seconds(service.pid, WORKERS)
        ids = list(threads.map(lambda wishes: _submitted(service, barrier, wishes), asked))
        return _ends(service, dict(itertools.chain.from_iterable(ids)), began, spent)


def _spec(seed: int, max_steps: int) -> dict[str, Any]:
    """The grid of Figure 1 made smaller, on data of its own."""
    return {
        "name": f"experiment {seed}",
        "data": {"kind": "sparse_regression", "samples": 50, "dimension": 100, "sparsity": 5, "seed": 1000 + seed},
        "initialization": {"kind": "uniform", "scale": {"start": 0.01, "stop": 1.0, "num": 8, "spacing": "log"}},
        "optimizer": {
            "kind": "gradient_descent",
            "step_size": {"fractions_of_max_stable": [0.1, 0.2, 0.4, 0.6, 0.8, 0.9]},
        },
        "stopping": {"loss_tolerance": 1e-10, "max_steps": max_steps},
    }


def _submitted(
    service: LivingService, barrier: threading.Barrier, wishes: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Ids with names."""
    barrier.wait()
    return [(_asked(service, "/v1/experiments", wish)["id"], str(wish["name"])) for wish in wishes]


def _asked(service: LivingService, path: str, body: Mapping[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(service.url + path, data, {"Content-Type": "application/json"}), timeout=60) as answer:
        return json.load(answer)


def _ends(service: LivingService, names: Mapping[str, str], began: float, spent: float) -> list[Ended]:
    """Ask for all in one until all have ended: what asks for each would take as much as what computes."""
    waiting, ends = dict(names), list[Ended]()
    while waiting:
        time.sleep(POLL_SECONDS)
        listed = _asked(service, f"/v1/experiments?limit={len(names)}")["experiments"]
        for each in [each["id"] for each in listed if each["id"] in waiting and each["status"] in ENDED]:
            seconds, taken = time.monotonic() - began, core_seconds(service.pid, WORKERS) - spent
            name = waiting.pop(each)
            people = TOGETHER * (len(names) - 1) // PEOPLE if name == SHARED else 1
            ends.append(Ended(name=name, people=people, seconds=seconds, core_seconds=taken))
    return ends


def _summary(lessons: Sequence[Sequence[Ended]]) -> dict[str, Any]:
    """Medians over the lessons, of means over all who wait; the places of the shared one are counted from 1."""
    return {
        "mean_seconds": statistics.median(_mean(ends, [end.seconds for end in ends]) for ends in lessons),
        "mean_core_seconds": statistics.median(_mean(ends, [end.core_seconds for end in ends]) for ends in lessons),
        "last_seconds": statistics.median(ends[-1].seconds for ends in lessons),
        "last_core_seconds": statistics.median(ends[-1].core_seconds for ends in lessons),
        "experiments": len(lessons[0]),
        "places_of_shared": [[end.name for end in ends].index(SHARED) + 1 for ends in lessons],
    }


def _mean(ends: Sequence[Ended], values: Sequence[float]) -> float:
    """Over those who wait: what ten wait for counts ten times."""
    return statistics.fmean(values, [end.people for end in ends])


def _sentence(numbers: Mapping[str, Any]) -> str:
    mean, last = (
        f"{numbers[f'{which}_seconds']:.1f} s and {numbers[f'{which}_core_seconds']:.1f} core-seconds"
        for which in ("mean", "last")
    )
    places = ", ".join(map(str, numbers["places_of_shared"]))
    return (
        f"a result after {mean} in the mean, the last after {last}; "
        f"the shared one came as number {places} of {numbers['experiments']}"
    )
