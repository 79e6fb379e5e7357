"""Python client of the service; speaks HTTP only.

    from stepbias import Client

    with Client("http://127.0.0.1:8000") as client:
        experiment = client.submit(client.preset("figure-1", size="demo"))
        experiment.wait()
        curves = experiment.curves()

Everything raised is a `ClientError`.
"""

from stepbias.client import Client
from stepbias.errors import (
    ClientError,
    ExperimentFailed,
    FieldError,
    ProblemError,
    ServiceUnreachable,
    WaitTimeout,
)
from stepbias.experiment import Experiment
from stepbias.handle import ExperimentHandle
from stepbias.upload import UnknownFile

__all__ = [
    "Client",
    "ClientError",
    "Experiment",
    "ExperimentFailed",
    "ExperimentHandle",
    "FieldError",
    "ProblemError",
    "ServiceUnreachable",
    "UnknownFile",
    "WaitTimeout",
]
