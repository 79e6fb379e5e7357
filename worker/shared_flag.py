"""A flag that processes share, and that none of them can lock."""

import mmap


class SharedFlag:
    """Set once, and seen by every process that is forked after it was made.

    A byte of shared memory. The event of `multiprocessing` is locked even to be read: a process killed in that moment
    would leave it locked, and every other one waiting for ever.
    """

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Set it."""
        self._byte[0] = 1

    def is_set(self) -> bool:
        """Whether it has been set."""
        return self._byte[0] == 1
