"""What an experiment must still be when it is changed."""

from api.experiments.document import ExperimentDocument
from api.http.if_match import require_named
from jobs.records import Experiment, Known, Labels


def require_known(document: ExperimentDocument, experiment: Experiment, if_match: str) -> Known:
    """What whoever changes the experiment knows to be there, if the header names the document.

    Raises:
        NotAsKnown: it names another one.
    """
    require_named(document, if_match, what="experiment")
    labels = Labels(name=experiment.name, tags=experiment.tags, notes=document.notes or "")
    return Known(labels=labels, status=experiment.status, finished_at=experiment.finished_at)
