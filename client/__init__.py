"""Python client of the service; speaks HTTP only.

    from client import Client

    with Client("http://127.0.0.1:8000") as client:
        experiment = client.submit(client.preset("figure-1", size="demo"))
        experiment.wait()
        curves = experiment.curves()

Everything raised is a `ClientError`.
"""

from client.errors import (
    ClientError,
    ExperimentFailed,
    FieldError,
    ProblemError,
    ServiceUnreachable,
    WaitTimeout,
)
from client.experiment import Experiment
from client.handle import ExperimentHandle
from client.service import Client
from client.trajectory import Trajectory
from client.upload import UnknownFile

__all__ = [
    "Client",
    "ClientError",
    "Experiment",
    "ExperimentFailed",
    "ExperimentHandle",
    "FieldError",
    "ProblemError",
    "ServiceUnreachable",
    "Trajectory",
    "UnknownFile",
    "WaitTimeout",
]
