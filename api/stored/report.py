"""The report of a stored experiment, on what is stored of it at this moment."""

from api.stored.grid import grid_of, summaries
from core.report import Report, report
from jobs.kept_documents import kept_analyses
from jobs.ports import Store
from jobs.records import Experiment


def report_of(experiment: Experiment, *, store: Store) -> Report:
    """Every inequality, checked on the stored runs and on the problems that are analysed."""
    grid = grid_of(experiment.id, store=store)
    known = summaries(experiment.id, range(len(grid)), store=store)
    return report(grid, known, kept_analyses(store, grid, experiment.numerics))
