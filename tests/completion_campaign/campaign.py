"""The campaign: batch after batch is drawn, trained with completion on, and what was completed is continued."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.training.batch_training import Training
from core.training.training_run import TrainedRun
from tests.completion_campaign.continuation import continued
from tests.completion_campaign.drawn_batch import DrawnBatch, drawn_batch
from tests.completion_campaign.tally import Judgement, Tally

RUNS_OF_A_BATCH: Final = 4
KICKED_PLACE: Final = 3
"""The place in every batch whose continuation begins with a kick."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """Flops for the training of a run, and for its continuation."""

    training: float
    continuation: float


def judgements(batch: DrawnBatch, where: str, tally: Tally, effort: Effort) -> Iterator[Judgement]:
    """Of the completed runs of a batch that `where` names; everything is counted."""
    for trained in _ended(batch):
        if trained.completion is None:
            tally.count_refusal(batch.problem, trained)
            continue
        place = trained.run.index
        judgement = Judgement(
            where=f"{where}, run {place}: {batch.words}",
            trained=trained,
            continuation=continued(batch.problem, trained, work=effort.continuation, kick=place == KICKED_PLACE),
        )
        tally.judged.append(judgement)
        yield judgement


def judged_batch(seed: int, number: int, tally: Tally, effort: Effort) -> Iterator[Judgement]:
    """Those of one random batch."""
    batch = drawn_batch(seed, number, runs=RUNS_OF_A_BATCH, work=effort.training)
    return judgements(batch, f"--seed {seed} --batch {number}", tally, effort)


def _ended(batch: DrawnBatch) -> list[TrainedRun]:
    training, ended = Training(batch.problem, batch.runs), []
    with np.errstate(all="ignore"):  # runs that diverge are part of the draw
        while training.active:
            ended += training.advance()
    return sorted(ended, key=lambda trained: trained.run.index)
