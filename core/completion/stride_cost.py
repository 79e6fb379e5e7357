"""What strides cost (`core.completion.striding`), in steps: they are tried once a run has taken as many."""

import math
from typing import Final

LEAST_STEPS: Final = 16_384
"""Where X is large both cost the more, the larger it is."""

SMALL: Final = 6000
"""Entries of X below which strides cost the same, and steps less and less."""

STEP_ENTRIES: Final = 300
"""So many entries more would cost a step as much as all that it does beside its products."""


def steps_worth_strides(entries: int) -> int:
    """The steps on an X of so many entries that cost about as much as an attempt with strides."""
    return math.ceil(LEAST_STEPS * max(1.0, SMALL / (STEP_ENTRIES + entries)))
