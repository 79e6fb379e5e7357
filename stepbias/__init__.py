"""Sweeps of gradient descent on diagonal linear networks, computed by a service: its Python client.

    import stepbias as sb

    with sb.connect("http://127.0.0.1:8000") as lab:
        steps, scales = sb.fractions(0.01, 0.99, 8), sb.logspace(1e-3, 3, 20)
        experiment = lab.submit(sb.sweep(step_size=steps, init_scale=scales, seed=range(10)))
        curves = experiment.wait().curves()

Everything raised is a `StepbiasError`. The client speaks HTTP and needs nothing of the service's own dependencies.
"""

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    __version__: str
    from stepbias.async_client import AsyncClient, AsyncExperimentHandle
    from stepbias.building import effective, fractions, linspace, logspace, multiples, sweep
    from stepbias.client import Client
    from stepbias.comparison import Comparison, Difference
    from stepbias.connecting import connect
    from stepbias.errors import (
        AuthenticationError,
        ExperimentFailed,
        FieldError,
        NotAllowed,
        ProblemError,
        ServiceUnreachable,
        StepbiasError,
        UnusableEnvironment,
        UnusableValue,
        WaitTimeout,
    )
    from stepbias.experiment import Experiment
    from stepbias.figure import Figure
    from stepbias.handle import ExperimentHandle
    from stepbias.local_service import LocalClient, local
    from stepbias.trajectory import Trajectory
    from stepbias.upload import UnknownFile

__all__ = [
    "AsyncClient",
    "AsyncExperimentHandle",
    "AuthenticationError",
    "Client",
    "Comparison",
    "Difference",
    "Experiment",
    "ExperimentFailed",
    "ExperimentHandle",
    "FieldError",
    "Figure",
    "LocalClient",
    "NotAllowed",
    "ProblemError",
    "ServiceUnreachable",
    "StepbiasError",
    "Trajectory",
    "UnknownFile",
    "UnusableEnvironment",
    "UnusableValue",
    "WaitTimeout",
    "connect",
    "effective",
    "fractions",
    "linspace",
    "local",
    "logspace",
    "multiples",
    "sweep",
]

_HOMES: Final = MappingProxyType(
    {
        "AsyncClient": "async_client",
        "AsyncExperimentHandle": "async_client",
        "Client": "client",
        "Comparison": "comparison",
        "Difference": "comparison",
        "LocalClient": "local_service",
        "local": "local_service",
        "connect": "connecting",
        "Experiment": "experiment",
        "Figure": "figure",
        "ExperimentHandle": "handle",
        "Trajectory": "trajectory",
        "UnknownFile": "upload",
    }
    | dict.fromkeys(("effective", "fractions", "linspace", "logspace", "multiples", "sweep"), "building")
    | dict.fromkeys(
        (
            "AuthenticationError",
            "StepbiasError",
            "ExperimentFailed",
            "FieldError",
            "NotAllowed",
            "ProblemError",
            "ServiceUnreachable",
            "UnusableEnvironment",
            "UnusableValue",
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
