"""`stepbias fetch`: what an experiment of a service has found, as files."""

from pathlib import Path
from typing import Final

from cli.experiment_files import documents, figures, save_what_there_is
from cli.submit import connected

FIGURES: Final = {"risk.png": "risk"}


def fetch(experiment_id: str, *, out: Path, url: str) -> int:
    """Save spec, results, curves and the risk figure."""
    with connected(url) as client:
        handle = client.experiment(experiment_id)
        save_what_there_is({**documents(handle), **figures(handle, FIGURES)}, out)
    return 0
