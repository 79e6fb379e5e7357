"""Analyses of problems: from the store, or made now and kept there."""

from core.analysis.data import analyse_data
from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.array_block import pack_arrays
from core.experiment.dataset import dataset_of
from core.spec.experiment_spec import Transform, UploadedData
from core.sweep.grid import GridProblem
from jobs.document_keys import analysis_key, interpolators_key
from jobs.errors import StoreUnavailable
from jobs.kept_documents import kept_analysis, uploads
from jobs.owned_store import owned
from jobs.records import Ownership
from worker.context import WorkerContext


def ensure_interpolators(context: WorkerContext, problem: GridProblem) -> None:
    """Keep the reference interpolators of the problem, unless they are: an analysis may have come without them.

    Raises:
        InvalidData: the data are no regression problem.
    """
    if context.store.document(interpolators_key(problem.key)) is None:
        _analyse(context, problem)


def upload_analysis(context: WorkerContext, dataset_id: str, transform: str) -> bytes:
    """What is known of an uploaded data set before any training, as JSON; the id begins with its owner, if it has one.

    `transform` is JSON, empty for none.

    Raises:
        InvalidData: it is no longer kept.
    """
    owner, _, content = dataset_id.rpartition("/")
    shift = Transform.model_validate_json(transform) if transform else Transform()
    data = UploadedData(kind="dataset", id=content, transform=shift)
    return analyse_data(dataset_of(data, uploads(owned(context.store, Ownership(owner=owner))))).to_json()


def ensure_analysis(context: WorkerContext, problem: GridProblem) -> ProblemAnalysis:
    """The analysis of the problem.

    Raises:
        InvalidData: the data are no regression problem.
    """
    kept = kept_analysis(context.store, problem.key)
    if kept is None:
        _analyse(context, problem)
        # Another planner, with other last bits, may have been first: all batches take the analysis that is kept.
        kept = kept_analysis(context.store, problem.key)
    if kept is None:
        raise StoreUnavailable("an analysis that was kept is gone")
    return kept


def _analyse(context: WorkerContext, problem: GridProblem) -> None:
    """Analyse the problem, and keep what is found where nobody has been first."""
    made = analyse_problem(dataset_of(problem.data, uploads(context.store)), problem.network, problem.data_key)
    # The arrays first: where an analysis of this version is found, they are.
    context.store.put_document(interpolators_key(problem.key), pack_arrays(made.interpolators))
    context.store.put_document(analysis_key(problem.key), made.analysis.to_json())
