"""The files that an experiment leaves behind: its spec, results, curves, figures, and arrays."""

from collections.abc import Callable, Iterable, Mapping
from errno import EEXIST
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import typer

from stepbias import ExperimentHandle, ProblemError

Files = Mapping[str, Callable[[], bytes]]
"""Names of files, and how to get what belongs into them."""

_NOT_OFFERED: Final = {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}


def documents(handle: ExperimentHandle) -> Files:
    """Spec, results, curves and report, byte for byte as the service sends them."""
    parts = {f"{part}.json": part for part in ("spec", "results", "curves", "report")} | {"report.txt": "report.txt"}
    return {file: partial(handle.read, part) for file, part in parts.items()}


def save_results(handle: ExperimentHandle, out: Path, formats: Iterable[str]) -> None:
    """Write the results in these formats, as they come, and say where they are, and whether they are all.

    Raises:
        StepbiasError: they are not to be had.
        OSError: the directory or a file cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    for form in dict.fromkeys(formats):
        typer.echo(handle.save_results(out / f"results.{form}"))
    record = handle.experiment
    if record.runs_done < record.runs_total:
        counts = f"{record.runs_done} of {record.runs_total} runs"
        typer.echo(f"The results are of {counts}: the experiment is {record.status}.", err=True)


def require_own(out: Path, spec: bytes, names: Iterable[str]) -> None:
    """Return if writing these files into a directory replaces nothing but what was saved of the same experiment.

    Raises:
        FileExistsError: there is one of them, and not beside this spec.
    """
    own = out / "spec.json"
    if own.is_file() and own.read_bytes() == spec:
        return
    for name in ("spec.json", *names):
        if (out / name).exists():
            sentence = "it is there already, and not from this experiment: give another directory with --out"
            raise FileExistsError(EEXIST, sentence, str(out / name))


def figures(handle: ExperimentHandle, files: Mapping[str, str]) -> Files:
    """Figures, given by the name of each file and of the figure in it; the suffix is the format."""
    return {file: partial(handle.figure, name, format=Path(file).suffix[1:]) for file, name in files.items()}


def numbers(handle: ExperimentHandle, *, arrays: bool, trajectories: bool) -> Files:
    """Where each stored run ended with the data and interpolators of each problem, and what each run recorded."""
    files: dict[str, Callable[[], bytes]] = {}
    if arrays:
        files |= _run_files(handle, "runs", "arrays") | _problem_files(handle)
    if trajectories:
        files |= _run_files(handle, "trajectories", "trajectory")
    return files


def _run_files(handle: ExperimentHandle, folder: str, part: str) -> dict[str, Callable[[], bytes]]:
    """A file for each stored run, named by its index: names in order are runs in order."""
    digits = len(str(handle.experiment.runs_total - 1))
    stored = [run["index"] for run in handle.runs() if run["summary"] is not None]
    return {f"{folder}/{index:0{digits}}.npz": partial(handle.read, f"runs/{index}/{part}.npz") for index in stored}


def _problem_files(handle: ExperimentHandle) -> dict[str, Callable[[], bytes]]:
    return {
        f"problems/{entry['index']}-{part}.npz": partial(handle.read, f"analysis/{entry['index']}/{part}.npz")
        for entry in handle.analysis()
        for part in ("data", "interpolators")
    }


def save(files: Files, out: Path) -> None:
    """Write the files, and say where they are.

    Raises:
        StepbiasError: one of them is not to be had.
        OSError: the directory or a file cannot be written.
    """
    for name, content in files.items():
        _write(out / name, content())
        typer.echo(out / name)


def require_writable(out: Path) -> None:
    """Return if files can be written into the directory, which is made.

    Raises:
        OSError: they cannot.
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=out):
        pass


def _write(file: Path, content: bytes) -> None:
    """All of it or nothing: a file that is cut off looks like one that is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(file)) from None


def save_what_there_is(files: Files, out: Path) -> None:
    """As `save`; a file that this experiment does not offer is left out, and stderr says why.

    Nothing can be drawn of an experiment without a stored run, nor of one that sweeps nothing, or too much for a plane.
    """
    for name, content in files.items():
        try:
            save({name: content}, out)
        except ProblemError as problem:
            if problem.status not in _NOT_OFFERED:
                raise
            typer.echo(f"{name} is left out. {problem}", err=True)
