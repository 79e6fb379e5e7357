"""`stepbias fetch`: what an experiment of a service has found, as files."""

from pathlib import Path

from stepbias.cli.experiment_files import documents, figures, numbers, save_what_there_is
from stepbias.cli.submit import connected


def fetch(experiment_id: str, *, out: Path, url: str, arrays: bool, trajectories: bool) -> int:
    """Save spec, results, curves, the report, every figure that suits the experiment, and the arrays asked for."""
    with connected(url) as client:
        handle = client.experiment(experiment_id)
        pictures = {f"{name}.png": name for name in handle.figures()}
        files = {**documents(handle), **figures(handle, pictures)}
        save_what_there_is({**files, **numbers(handle, arrays=arrays, trajectories=trajectories)}, out)
    return 0
