"""`stepbias fetch`: what an experiment of a service has found, as files."""

from collections.abc import Sequence
from pathlib import Path

from stepbias.cli.experiment_files import documents, figures, numbers, require_own, save_results, save_what_there_is
from stepbias.cli.submit import connected


def fetch(  # noqa: PLR0913 - each is an option of the command, and all but the id are named
    experiment_id: str, *, out: Path, url: str, arrays: bool, trajectories: bool, formats: Sequence[str]
) -> int:
    """Save spec, results, curves, the report, every figure that suits the experiment, and the arrays asked for."""
    with connected(url) as client:
        handle = client.experiment(experiment_id)
        pictures = {f"{name}.png": name for name in handle.figures()}
        files = {**documents(handle), **figures(handle, pictures)}
        del files["results.json"]
        files |= numbers(handle, arrays=arrays, trajectories=trajectories)
        require_own(out, handle.read("spec"), [*(f"results.{form}" for form in formats), *files])
        save_results(handle, out, formats)
        save_what_there_is(files, out)
    return 0
