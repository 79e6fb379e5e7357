"""`stepbias fetch`: what an experiment of a service has found, as files."""

from pathlib import Path

from stepbias.cli.experiment_files import documents, figures, save_what_there_is
from stepbias.cli.submit import connected


def fetch(experiment_id: str, *, out: Path, url: str) -> int:
    """Save spec, results, curves, the report, and every figure that suits the experiment."""
    with connected(url) as client:
        handle = client.experiment(experiment_id)
        pictures = {f"{name}.png": name for name in handle.figures()}
        save_what_there_is({**documents(handle), **figures(handle, pictures)}, out)
    return 0
