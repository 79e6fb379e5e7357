"""Batches: runs that share a data set and end at about the same time, to be trained together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64

from core.planning.cost import SECONDS_PER_BATCH, SECONDS_PER_RETURN, KernelCost
from core.tiles import TILE

MOST_LANES: Final = 128
"""Beyond this many lanes a step costs no less per lane, and the buffers leave the second-level cache."""

MOST_SMALL_LANES: Final = 512
SMALL_ENTRIES: Final = 2_000
"""Where lanes × d is no more than this, so many lanes: what a batch costs by itself is then most of it."""

MOST_STATE_ENTRIES: Final = 2_000_000
"""Most entries lanes × d of one array of a batch, unless a single tile has more: about twenty are held, 320 MB."""

LEAST_SECONDS: Final = 0.25
"""A batch of less work is not worth the claim, the heartbeats and the reading of the data."""

MOST_SECONDS: Final = 2.0
"""No batch is made longer than this where a narrower one will do, so that cores end at about the same time."""

BATCHES_WANTED: Final = 8
"""Small experiments are spread over that many, if there is work for them."""

BATCHES_LEFT: Final = 4
"""No batch has more than one part in so many of the work that is left: the last are short, no core waits long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Runs to be trained together, by index in the grid, with the predicted seconds of all of them on one core."""

    indices: tuple[int, ...]
    work: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunCosts:
    """Runs to be packed: for each its steps in one lane, and its seconds beside those of the steps.

    `returns` is how often the kernel comes back of a batch that is as long as the run. Each takes `lanes` lanes;
    `entries` are N·d, `dimension` is d, and `degree` is that of the network.
    """

    steps: Float64[np.ndarray, " run"]
    overhead: Float64[np.ndarray, " run"]
    returns: Float64[np.ndarray, " run"]
    entries: int
    dimension: int
    lanes: int = 1
    degree: int = 2

    def seconds(self, kernel: KernelCost) -> Float64[np.ndarray, " run"]:
        """Of every run in company, on one core."""
        seconds: Float64[np.ndarray, " run"] = (
            self.steps * (self.lanes * kernel.step(self.entries, self.degree)) + self.overhead
        )
        return seconds


def form_batches(indices: Sequence[int], costs: RunCosts, kernel: KernelCost) -> list[Batch]:
    """Batches, longest runs first, so that none holds the end of the experiment up.

    Runs of like length go together, and run to their end at the full speed of the kernel but for the last few: these
    are counted as what they cost, `kernel.lone` lanes. A batch is of `MOST_SECONDS` or less, unless its runs are so
    long that the fewest lanes worth a batch take longer; there are eight or more, the last ones shorter, unless they
    become shorter than `LEAST_SECONDS`. Memory bounds the width.
    """
    order = np.lexsort((np.asarray(indices), -costs.steps))
    steps, seconds, returns = costs.steps[order], costs.seconds(kernel)[order], costs.returns[order]
    return [
        Batch(
            indices=tuple(indices[place] for place in order[cut].tolist()),
            work=SECONDS_PER_BATCH
            + float(seconds[cut].sum())
            + _lonely_end(steps[cut], costs, kernel)
            + kernel.seconds_per_turn * float(steps[cut][0])
            + SECONDS_PER_RETURN * float(returns[cut].max()),
        )
        for cut in _cuts(seconds, costs, kernel)
    ]


def _cuts(seconds: Float64[np.ndarray, " run"], costs: RunCosts, kernel: KernelCost) -> Iterator[slice]:
    """Where to cut the sequence of runs."""
    narrow, wide = -(-kernel.fewest // costs.lanes), max(_most_lanes(costs.dimension) // costs.lanes, 1)
    so_far = np.cumsum(seconds)
    total = float(so_far[-1]) if len(seconds) else 0.0
    aim = min(max(total / BATCHES_WANTED, LEAST_SECONDS), MOST_SECONDS)
    start = 0
    while start < len(seconds):
        done = float(so_far[start - 1]) if start else 0.0
        share = min(aim, max((total - done) / BATCHES_LEFT, LEAST_SECONDS))
        # A little over, so that sums of equal parts are not cut by their rounding.
        filled = int(np.searchsorted(so_far, done + share * (1 + 1e-9), side="right")) - start
        stop = start + min(max(filled, narrow), wide)
        # What is left is too little for a batch of its own.
        left = total - float(so_far[min(stop, len(seconds)) - 1])
        is_little = left < LEAST_SECONDS / 2 or len(seconds) - stop < narrow
        if is_little and left < LEAST_SECONDS and len(seconds) - start <= wide:
            stop = len(seconds)
        yield slice(start, stop)
        start = stop


def _lonely_end(steps: Float64[np.ndarray, " run"], costs: RunCosts, kernel: KernelCost) -> float:
    """Seconds that the last lanes of a batch take beyond what they would in company."""
    last = steps[: -(-kernel.lone // costs.lanes)]
    lanes = kernel.lone * float(last[0]) - costs.lanes * float(last.sum())
    return kernel.step(costs.entries, costs.degree) * max(lanes, 0.0)


def _most_lanes(dimension: int) -> int:
    """The most lanes of a batch: whole tiles, at least one."""
    tiles = MOST_STATE_ENTRIES // (dimension * TILE)
    most = min(max(MOST_LANES, SMALL_ENTRIES // dimension // TILE * TILE), MOST_SMALL_LANES)
    return min(most, max(1, tiles) * TILE)
