"""Memory that a process holds, and need not."""

import ctypes
import gc
import linecache
from contextlib import suppress
from typing import Final

_ARENA_MAX: Final = -8
"""M_ARENA_MAX of malloc.h."""


def give_back() -> None:
    """Collect what is in cycles, and give the system back the pages that are free then: the C library keeps them."""
    gc.collect()
    with suppress(AttributeError, OSError):  # a C library of another make
        ctypes.CDLL(None).malloc_trim(0)


def give_back_and_keep_still() -> None:
    """Give back what imports have left over, and let what they made alone: pages that nobody writes to are shared.

    To be called before forking. The collector writes into every object that it looks at; what is frozen it does not.
    """
    linecache.clearcache()
    give_back()
    gc.freeze()


def keep_few_heaps() -> None:
    """Let threads share two heaps: one for each of them would grow for hours."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)
