"""The in-memory store and sender: for `stepbias run`, for tests, and as the oracle of the Redis store."""

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.memory.experiments import MemoryExperiments
from jobs.memory.jobs import MemoryJobs
from jobs.memory.results import MemoryResults
from jobs.memory.sender import MemorySender
from jobs.memory.upkeep import MemoryUpkeep
from jobs.ports import Store

__all__ = ["MemorySender", "MemoryStore"]


class MemoryStore(MemoryExperiments, MemoryJobs, MemoryUpkeep, MemoryResults, Store):
    """The whole store in one process: `MemoryStore(settings, clock)`."""

    @override
    def ping(self) -> bool:
        return True
