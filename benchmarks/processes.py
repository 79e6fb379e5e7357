"""What processes take: memory, and processor seconds."""

import os
from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes that it has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]


def resident(pid: int) -> int:
    """Bytes of a process and all below it, what they share counted once."""
    return _rollup(pid, "Pss") + sum(map(resident, children(pid)))


def alone(pid: int) -> int:
    """Bytes of a process, what it shares with others counted as its own."""
    return _rollup(pid, "Rss")


def cpu_seconds(pid: int) -> float:
    """Processor seconds that a process has taken, of its own and of the system for it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def core_seconds(pid: int, word: str) -> float:
    """Processor seconds of all processes below this one that have the word in their command line."""
    is_meant = word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return is_meant * cpu_seconds(pid) + sum(core_seconds(child, word) for child in children(pid))


def named(pid: int, word: str) -> int:
    """The process below this one, nearest to it, that has the word in its command line."""
    below = [pid]
    while below:
        below = [child for each in below for child in children(each)]
        for each in below:
            if word.encode() in Path(f"/proc/{each}/cmdline").read_bytes():
                return each
    raise LookupError(word)


def _rollup(pid: int, name: str) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith(f"{name}:"))
