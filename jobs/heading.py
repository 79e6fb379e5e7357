"""What stands at the head of every document about a stored experiment."""

from core.results.heading import Heading
from jobs.records import Experiment


def heading(experiment: Experiment) -> Heading:
    """Which it is, where it stands, and how many of its runs are there."""
    return Heading(
        experiment_id=experiment.id,
        name=experiment.name,
        status=str(experiment.status),
        runs_total=experiment.runs_total,
        runs_done=experiment.runs_done,
    )
