"""What the machine has: memory, files, and what the kernel does with the memory of a store."""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stepbias.launcher.diagnosis.finding import Finding, doubtful, fine, wrong
from stepbias.launcher.store.disk_room import SCARCE, free_bytes

LOW: Final = 500_000_000
"""Bytes of memory below which a worker that draws a figure may find none."""

OTHER_FILES: Final = 200
"""Of an API process, beside its connections."""


def disk(directory: Path) -> Finding:
    """The room where the embedded server keeps its data."""
    free = free_bytes(directory)
    text = f"{free / 1e6:.0f} MB free at {directory}"
    if free >= SCARCE:
        return fine("disk", text)
    remedy = "A full disk stops the service: make room, or choose another directory with --state-dir."
    return wrong("disk", text, remedy)


def memory(system: Path = Path("/")) -> Finding:
    """What the machine, or the container, may still give."""
    available = available_bytes(system)
    if available is None:
        return fine("memory", "this system does not say")
    text = f"{available / 1e6:.0f} MB available"
    if available >= LOW:
        return fine("memory", text)
    remedy = (
        "Trainings may end with MemoryError: see what takes it (ps aux --sort -rss | head), or start fewer workers "
    )
    return doubtful("memory", text, f"{remedy}(stepbias up --workers 1).")


def available_bytes(system: Path = Path("/")) -> int | None:
    """What a new program could have; None where the system does not say."""
    try:
        lines = (system / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    on_machine = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    limit, used = (_number(system / "sys/fs/cgroup" / name) for name in ("memory.max", "memory.current"))
    found = [each for each in (on_machine, None if limit is None or used is None else limit - used) if each is not None]
    return min(found, default=None)


def of_store_host(system: Path = Path("/")) -> Iterator[Finding]:
    """What slows a store down, or keeps it from rewriting its file, on the machine where it runs."""
    if _number(system / "proc/sys/vm/overcommit_memory") == 0:
        remedy = "With much in it, the store may fail to rewrite its file: sudo sysctl vm.overcommit_memory=1, and the "
        remedy += "same line in /etc/sysctl.d/stepbias.conf to keep it. In a container it is the host that is asked."
        yield doubtful("memory", "vm.overcommit_memory is 0 where the store runs", remedy)
    pages = _text(system / "sys/kernel/mm/transparent_hugepage/enabled")
    if "[always]" in pages:
        remedy = "The store may answer late and take more memory while it rewrites its file: "
        remedy += "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
        yield doubtful("memory", "transparent huge pages are always on where the store runs", remedy)


def files(connections: int) -> Finding:
    """Whether an API process may have so many connections open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= connections + OTHER_FILES:
        return fine("files", f"enough for {connections} connections")
    wanted, fitting = connections + OTHER_FILES, max(hard - OTHER_FILES, 1)
    remedy = (
        f"An API here refuses those beyond: LimitNOFILE={wanted} in its systemd unit, `ulimit -n {wanted}` as root "
    )
    remedy += f"before it starts, or STEPBIAS_MAX_CONNECTIONS={fitting}"
    return doubtful("files", f"a process may open {hard}, and {connections} connections are allowed", remedy)


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdecimal() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
