"""Sweeps of gradient descent on diagonal linear networks, computed by a service: its Python client.

    from stepbias import Client

    with Client("http://127.0.0.1:8000") as client:
        experiment = client.submit(client.preset("figure-1", size="demo"))
        experiment.wait()
        curves = experiment.curves()

Everything raised is a `ClientError`. The client speaks HTTP and needs nothing of the service's own dependencies.
"""

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    __version__: str
    from stepbias.client import Client
    from stepbias.errors import (
        AuthenticationError,
        ClientError,
        ExperimentFailed,
        FieldError,
        NotAllowed,
        ProblemError,
        ServiceUnreachable,
        WaitTimeout,
    )
    from stepbias.experiment import Experiment
    from stepbias.handle import ExperimentHandle
    from stepbias.trajectory import Trajectory
    from stepbias.upload import UnknownFile

__all__ = [
    "AuthenticationError",
    "Client",
    "ClientError",
    "Experiment",
    "ExperimentFailed",
    "ExperimentHandle",
    "FieldError",
    "NotAllowed",
    "ProblemError",
    "ServiceUnreachable",
    "Trajectory",
    "UnknownFile",
    "WaitTimeout",
]

_HOMES: Final = MappingProxyType(
    {
        "Client": "client",
        "Experiment": "experiment",
        "ExperimentHandle": "handle",
        "Trajectory": "trajectory",
        "UnknownFile": "upload",
    }
    | dict.fromkeys(
        (
            "AuthenticationError",
            "ClientError",
            "ExperimentFailed",
            "FieldError",
            "NotAllowed",
            "ProblemError",
            "ServiceUnreachable",
            "WaitTimeout",
        ),
        "errors",
    )
)


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: the command and the service's processes never pay for an HTTP library.

    Raises:
        AttributeError: there is no such name.
    """
    if name == "__version__":
        value = import_module("importlib.metadata").version(__name__)
    elif name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "__doc__"])
