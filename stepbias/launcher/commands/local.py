"""`stepbias run`: an experiment computed in this process, without server, queue or network."""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from api.experiments.submission import read_spec
from api.problems.request_errors import RequestError, UnusableBody, Violation
from core import errors
from core.experiment import run as experiment
from core.spec.experiment_spec import ExperimentSpec, UploadedData
from stepbias import StepbiasError
from stepbias.cli.command import INTERRUPTED
from stepbias.cli.experiment_files import require_own, require_writable, save_what_there_is
from stepbias.cli.failure import explained
from stepbias.cli.output import mute, remark, remark_unread, tell, tell_json
from stepbias.cli.submit import spec_bytes
from stepbias.formats import RESULT_FORMATS, ending
from stepbias.launcher.checked_settings import checked_settings
from stepbias.launcher.commands.local_files import files_of, results_file
from stepbias.progress import Report, duration, outcome_counts, progress_report, runs


def run(spec: str, *, out: Path, arrays: bool, trajectories: bool, as_json: bool = False) -> int:
    """Compute the experiment and save what `fetch` would, or its runs as the one file that `out` names."""
    remark_unread()
    kernel = checked_settings().kernel
    with explained(errors.StepbiasError):
        form = _form(out, is_more=arrays or trajectories)
        document = _document(spec_bytes(spec))
        # Before hours of work and not after them.
        if form is None:
            require_own(out, document.canonical(), ["results.json", "curves.json", "report.json"])
        directory = out if form is None else out.parent
        require_writable(directory)
        try:
            with progress_report() as report:
                results = experiment.run(document, kernel=kernel, on_progress=_reporting(report))
        except KeyboardInterrupt:
            remark("Stopped; nothing is saved. A service keeps what is finished: stepbias submit")
            return INTERRUPTED
        files = (
            files_of(results, arrays=arrays, trajectories=trajectories)
            if form is None
            else {out.name: partial(results_file, results, form)}
        )
        saved, left_out = save_what_there_is(files, directory, tell=mute if as_json else tell)
    outcomes, paths = (
        Counter(str(summary[name] or "unknown") for summary in results.summaries) for name in ("outcome", "path")
    )
    if as_json:
        tell_json({"files": saved, "left_out": left_out, "outcomes": outcomes, "paths": paths})
        return 0
    tell(f"{runs(len(results.grid))}: {outcome_counts(outcomes)}; by path {outcome_counts(paths)}")
    return 0


def _form(out: Path, *, is_more: bool) -> str | None:
    """The format of the one file that is meant; nothing where a directory is.

    Raises:
        StepbiasError: a file is meant, and more than the runs.
    """
    form = ending(out)
    if form not in RESULT_FORMATS or out.is_dir():
        return None
    if is_more:
        raise StepbiasError(f"--arrays and --trajectories are files of their own, and {out} is one: give a directory")
    return form


def _document(body: bytes) -> ExperimentSpec:
    """The spec, refused for the reasons and at the places that a service names.

    Raises:
        StepbiasError: it is refused.
    """
    try:
        spec = read_spec(body)
        _require_own_data(spec)
    except RequestError as error:
        places = (f"  {violation.pointer or '(the document)'}: {violation.detail}" for violation in error.violations)
        raise StepbiasError("\n".join([error.detail, *places])) from None
    return spec


def _require_own_data(spec: ExperimentSpec) -> None:
    """Return if the spec has all its data in itself.

    Raises:
        UnusableBody: it names an upload, which only a service keeps.
    """
    if isinstance(spec.data, UploadedData):
        violation = Violation(
            pointer="/data/kind", detail="uploads are kept by a service; put X and y here, as kind inline"
        )
        raise UnusableBody("Without a service there are no uploaded data sets.", violations=(violation,))


LEAST_DONE: Final = 0.01
"""What has to be done before the time that is left can be told from the time that was taken."""


def _reporting(report: Report) -> Callable[[experiment.Progress], None]:
    """What passes progress on, with the time that is left if it goes on as it went."""
    start = time.monotonic()

    def reporting(now: experiment.Progress) -> None:
        left = (time.monotonic() - start) * (1 / now.fraction - 1) if now.fraction >= LEAST_DONE else None
        text = f"{now.runs_done} of {runs(now.runs_total)}"
        report(now.fraction, text if left is None else f"{text}, {duration(left)} left")

    return reporting
