"""`stepbias export`: the runs of an experiment, handed to a tracker of experiments."""

import time
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from stepbias import ExperimentHandle, StepbiasError
from stepbias.cli.choosing import chosen, conditions
from stepbias.cli.options import Service
from stepbias.cli.output import remark, tell, tell_json
from stepbias.cli.reading import stored_runs
from stepbias.cli.submit import connected
from stepbias.progress import runs
from stepbias.whole_file import make_directory

RUN_TAG: Final = "stepbias.run"
EXPERIMENT_TAG: Final = "stepbias.experiment"


def export(  # noqa: PLR0913 - the options of the command
    kind: str, experiment_id: str, directory: str | None, *, where: Sequence[str], service: Service, as_json: bool
) -> int:
    """Hand over each stored run that is not there yet; print where they are, and the number of the experiment there."""
    wanted = conditions(where)
    with connected(service) as client:
        tracker = _library(kind).MlflowClient(tracking_uri=_address(directory))
        handle = client.experiment(experiment_id)
        rows = chosen(stored_runs(handle), wanted)
        number = _experiment(tracker, handle, directory)
        known = _known(tracker, number)
        fresh = [row for row in rows if str(row["index"]) not in known]
        axes = set(next(handle.runs())["coordinates"])
    for row in fresh:
        _hand_over(tracker, number, handle.id, row, axes)
    if as_json:
        tell_json({"tracking_uri": tracker.tracking_uri, "experiment_id": number, "runs": len(fresh)})
    else:
        tell(number)
        remark(f"{runs(len(fresh))} handed to {tracker.tracking_uri}; there already: {len(rows) - len(fresh)}")
    return 0


def _library(kind: str) -> Any:
    """The tracker's own library: how it keeps things on a disk is its own affair, and changes.

    Raises:
        StepbiasError: it is not installed.
    """
    try:
        return import_module(kind)
    except ModuleNotFoundError:
        raise StepbiasError(f"{kind} is not installed here: pip install {kind}") from None


def _address(directory: str | None) -> str | None:
    """What MLflow calls its tracking URI: of a directory, the database in it."""
    if directory is None or "://" in directory:
        return directory
    make_directory(Path(directory))
    return f"sqlite:///{(Path(directory) / 'mlflow.db').absolute()}"


def _experiment(tracker: Any, handle: ExperimentHandle, directory: str | None) -> str:
    """The number of the experiment there, which is made where it is not."""
    name = f"{handle.experiment.name or 'experiment'} {handle.id}"
    if found := tracker.get_experiment_by_name(name):
        return str(found.experiment_id)
    is_local = directory is not None and "://" not in directory
    place = (Path(directory) / "artifacts").absolute().as_uri() if is_local and directory else None
    return str(tracker.create_experiment(name, artifact_location=place, tags={EXPERIMENT_TAG: handle.id}))


def _known(tracker: Any, number: str) -> set[str]:
    """The indices of the runs that are there."""
    known: set[str] = set()
    page: Any = None
    while page is None or page.token:
        page = tracker.search_runs([number], max_results=1000, page_token=page and page.token)
        known |= {run.data.tags[RUN_TAG] for run in page if RUN_TAG in run.data.tags}
    return known


def _hand_over(tracker: Any, number: str, experiment: str, row: Mapping[str, Any], axes: Iterable[str]) -> None:
    """One run: its place on the axes and its words as parameters, its numbers as metrics."""
    entities = import_module("mlflow.entities")
    numbers = {name: value for name, value in row.items() if isinstance(value, int | float) and name not in axes}
    words = {name: value for name, value in row.items() if isinstance(value, str) or name in axes}
    tags = {"mlflow.runName": f"run {row['index']}", RUN_TAG: str(row["index"]), EXPERIMENT_TAG: experiment}
    run = tracker.create_run(number, tags=tags)
    now = int(time.time() * 1000)
    tracker.log_batch(
        run.info.run_id,
        metrics=[entities.Metric(name, float(value), now, 0) for name, value in numbers.items()],
        params=[entities.Param(name, str(value)) for name, value in words.items()],
    )
    tracker.set_terminated(run.info.run_id)
