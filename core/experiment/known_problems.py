"""What is known of problems beside their runs, kept from one batch of a process to the next."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from core.analysis.problem_analysis import ProblemAnalysis
from core.analysis.run_analysis import RunAnalysis
from core.analysis.starts import MOST_BYTES as MOST_OF_STARTS
from core.data.regression import Dataset
from core.kept_within import KeptWithin
from core.networks.network import Network
from core.spec.experiment_spec import UploadedData
from core.sweep.grid import GridProblem

MOST_BYTES: Final = 32_000_000
"""Of the problems that are kept; more than a hundred samples in a hundred dimensions take 3 MB."""

LARGEST: Final = MOST_BYTES // 2
"""Bytes of one: what is computed of a larger one takes seconds at every batch, but its memory is for training."""

MATRICES: Final = 14
"""Of the size of X, that are kept of a problem at most: twice, the other way round, its row space and spectra too; the
paths of the lasso."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownProblem:
    """A data set with a network, and what is known of the two before any training; what batches share is made once."""

    dataset: Dataset
    network: Network
    analysis: ProblemAnalysis

    @cached_property
    def run_analysis(self) -> RunAnalysis:
        """What sums up its runs, and knows their starts."""
        return RunAnalysis(self.dataset, self.network, self.analysis)

    @property
    def size(self) -> int:
        """Bytes that it comes to take at most."""
        held_out = self.dataset.held_out
        return MOST_OF_STARTS + MATRICES * self.dataset.X.nbytes + (0 if held_out is None else held_out.X.nbytes)


class KnownProblems:
    """The problems that a process has worked on last.

    Whether one is kept changes no bit of any run. Threads may share it: what two compute at once is the same.
    """

    def __init__(self) -> None:
        self._kept = KeptWithin[KnownProblem](most=MOST_BYTES, largest=LARGEST)

    def of(self, problem: GridProblem, analysis: ProblemAnalysis, make: Callable[[], Dataset]) -> KnownProblem:
        """The problem with this analysis. Its data set is made if it is not kept; an upload must still be there.

        Raises:
            InvalidData: likewise.
        """
        known = self._kept.found(problem.key)
        if known is not None and known.analysis == analysis:
            if isinstance(problem.data, UploadedData):
                make()
            return known
        known = KnownProblem(dataset=make(), network=problem.network, analysis=analysis)
        self._kept.keep(problem.key, known, known.size)
        return known
