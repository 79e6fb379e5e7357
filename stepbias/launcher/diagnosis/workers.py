"""The workers that live, as the store knows them: those of other hosts, and of this one."""

import os
import socket
from collections.abc import Iterator, Sequence

from api.readiness import lack_of
from core.descent.kernel import chosen, kernel_id
from core.errors import StepbiasError
from core.identity import NUMERICS_VERSION
from jobs.ports import Store
from jobs.records import LiveWorker, Queue
from jobs.settings import Settings
from stepbias.launcher.diagnosis.finding import Finding, doubtful, fine
from worker.memory_limit import machine_memory, share_of_memory


def of_store(store: Store, settings: Settings) -> Iterator[Finding]:
    """Who works, whether somebody is lacking, and who differs from this host."""
    around = {queue: store.look_around(queue) for queue in Queue}
    found = {worker.name: worker for each in around.values() for worker in each.workers}
    counts = ", ".join(f"{len(each.workers)} for the {queue} queue" for queue, each in around.items())
    findings = [
        doubtful(
            "workers",
            f"missing is {lack}",
            f"Nothing is taken from it until there is one: stepbias serve worker --queue {queue}",
        )
        for queue, each in around.items()
        if (lack := lack_of(queue, each)) is not None
    ]
    findings += [*_others(list(found.values()), settings), *_here(list(found.values()), settings)]
    yield from findings or [fine("workers", counts)]


def _others(live: Sequence[LiveWorker], settings: Settings) -> Iterator[Finding]:
    """Workers whose numbers would not be those of this host."""
    if names := [each.name for each in live if each.numerics != NUMERICS_VERSION]:
        remedy = "They take work of their own version alone. Install the same version of stepbias on all hosts "
        remedy += f"(numerics version {NUMERICS_VERSION} here), and start their workers again."
        yield doubtful("workers", f"{_some(names)} are of another numerics version", remedy)
    try:
        here = kernel_id(chosen(settings.kernel))
    except StepbiasError:
        return
    if kernels := sorted({each.kernel for each in live if each.kernel not in {"", here}}):
        remedy = (
            f"Runs are equal to the bit within one kernel alone; here it is {here}. Nothing is wrong with that; who "
        )
        remedy += "wants one everywhere sets STEPBIAS_KERNEL to the same on all hosts (`stepbias doctor` lists them)."
        yield doubtful("workers", f"others compute with {', '.join(kernels)}", remedy)


def _here(live: Sequence[LiveWorker], settings: Settings) -> Iterator[Finding]:
    """Whether the workers of this machine are more than it can carry."""
    mine = [each for each in live if each.name.rpartition(":")[0] == socket.gethostname()]
    processes, cores = sum(each.processes or 1 for each in mine), _cores()
    # One more: that of the interactive queue mostly waits.
    if processes > cores + 1:
        remedy = f"They wait for each other: start {cores} for the batch queue and 1 for the interactive one."
        yield doubtful("workers", f"{processes} processes of workers share {cores} cores here", remedy)
    most = settings.process_memory_bytes or share_of_memory(1)
    if processes * most > machine_memory():
        fitting = machine_memory() // processes
        remedy = f"Together they may ask for more than the machine has: STEPBIAS_PROCESS_MEMORY_BYTES={fitting}"
        yield doubtful("memory", f"{processes} processes of workers may take {most / 1e6:.0f} MB each", remedy)


def _cores() -> int:
    return os.cpu_count() or 1


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
