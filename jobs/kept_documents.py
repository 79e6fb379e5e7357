"""The documents of a store as what they are: analyses of problems, uploaded data sets."""

from core.analysis.problem_analysis import ProblemAnalysis
from core.data.user_arrays import UserArrays
from core.errors import InvalidData
from core.experiment.dataset import Load
from core.identity import NUMERICS_VERSION
from core.sweep.grid import Grid
from jobs.document_keys import analysis_key, dataset_key
from jobs.ports import ResultStore


def kept_analysis(store: ResultStore, problem_key: str, numerics: str = NUMERICS_VERSION) -> ProblemAnalysis | None:
    """The analysis of a problem by a numerics version, None before it is made."""
    stored = store.document(analysis_key(problem_key, numerics))
    return None if stored is None else ProblemAnalysis.from_json(stored)


def kept_analyses(store: ResultStore, grid: Grid, numerics: str) -> dict[str, ProblemAnalysis]:
    """The analyses that are made of a grid's problems by a numerics version, by the key of the problem."""
    keys = (problem.key for problem in grid.each_problem())
    kept = ((key, kept_analysis(store, key, numerics)) for key in keys)
    return {key: analysis for key, analysis in kept if analysis is not None}


def uploads(store: ResultStore) -> Load:
    """What loads uploaded data sets from the store.

    It raises InvalidData where one is no longer kept, and MalformedArrays where what is kept is damaged.
    """

    def load(dataset_id: str) -> UserArrays:
        block = store.document(dataset_key(dataset_id))
        if block is None:
            raise InvalidData("the uploaded data set is no longer kept: upload it again, then retry the experiment")
        return UserArrays.unpack(block)

    return load
