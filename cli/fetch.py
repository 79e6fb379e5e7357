"""`stepbias fetch`: what an experiment of a service has found, as files."""

from pathlib import Path

from cli.experiment_files import remote_files, save
from cli.submit import connected


def fetch(experiment_id: str, *, out: Path, url: str) -> int:
    """Save spec, results, curves and the risk figure."""
    with connected(url) as client:
        save(remote_files(client.experiment(experiment_id), figures={"risk.png": "risk"}), out)
    return 0
