"""Batches: runs that share a data set and end at about the same time, to be trained together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.descent import TILE

MOST_LANES: Final = 128
"""Beyond this many lanes a step costs no less per lane, and the buffers leave the second-level cache."""

SECONDS_PER_ENTRY_STEP: Final = 1.5e-10
"""Rough time of one run's step per entry of X; it decides only whether a batch is worth its overhead."""

MOST_STATE_ENTRIES: Final = 2_000_000
"""Most entries lanes × d of one array of a batch, unless a single tile has more: about twenty are held, 320 MB."""

LEAST_SECONDS: Final = 1.0
BATCHES_WANTED: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Runs to be trained together, by index in the grid, with the predicted steps of all lanes of all of them."""

    indices: tuple[int, ...]
    work: float


def predicted_steps(*, fraction: float | None, loss_tolerance: float, warmup_steps: int, max_steps: int) -> float:
    """A rough count of the steps to convergence, for batching and progress: never for a limit on a run.

    `fraction` is η over the largest stable step η*, None where that is unknown. A decade of loss takes about
    8·10³/fraction steps (small steps, small initialisation) and 1.2·10³/(1 − fraction) near the edge; measured on the
    default data. Above η* a run is found to oscillate some windows after its warm-up.
    """
    if fraction is None:
        return float(max_steps)
    if fraction >= 1:
        return float(min(max_steps, warmup_steps + 50_000))
    decades = -math.log10(loss_tolerance)
    steps = warmup_steps + decades * (8e3 / fraction + 1.2e3 / (1 - fraction))
    return float(min(max_steps, steps))


def form_batches(
    indices: Sequence[int], steps: Sequence[float], *, entries: int, dimension: int | None = None, lanes: int = 1
) -> list[Batch]:
    """Batches of whole tiles, longest runs first, so that none holds the end of the experiment up.

    Runs of like length go together: a batch is as long as its longest run. Few runs are spread over several batches for
    the sake of the cores, unless the batches become shorter than a second. `entries` = N·d and `dimension` = d, which
    bounds the width by the memory of the lanes' states; without it N·d does, which is never less. `lanes` is what each
    run takes, and `steps` those of all of them together.
    """
    order = sorted(range(len(indices)), key=lambda place: (-steps[place], indices[place]))
    total = sum(steps) * entries * SECONDS_PER_ENTRY_STEP
    batches = max(1, min(BATCHES_WANTED, int(total / LEAST_SECONDS)))
    wide = min(_most_lanes(dimension or entries), -(-len(indices) * lanes // (batches * TILE)) * TILE)
    width = max(wide // lanes, 1)
    groups = [order[start : start + width] for start in range(0, len(order), width)]
    return [
        Batch(indices=tuple(indices[place] for place in group), work=sum(steps[place] for place in group))
        for group in groups
    ]


def _most_lanes(dimension: int) -> int:
    """The most lanes of a batch: whole tiles, at least one."""
    tiles = MOST_STATE_ENTRIES // (dimension * TILE)
    return min(MOST_LANES, max(1, tiles) * TILE)
