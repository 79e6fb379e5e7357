"""The files that an experiment leaves behind: its spec, results, curves, figures, and arrays."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from errno import EEXIST
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import Final

from stepbias import ExperimentHandle, ProblemError
from stepbias.cli.output import remark, tell
from stepbias.whole_file import make_directory, whole_file

Files = Mapping[str, Callable[[], bytes]]
"""Names of files, and how to get what belongs into them."""

NOT_OFFERED: Final = {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}


Tell = Callable[[object], None]
"""Takes what a user is told, a line each."""

DOCUMENTS: Final = MappingProxyType(
    {f"{part}.json": part for part in ("spec", "results", "curves", "report")} | {"report.txt": "report.txt"}
)
"""The files of `documents`, and the parts of an experiment that are in them."""


def documents(handle: ExperimentHandle) -> Files:
    """Spec, results, curves and report, byte for byte as the service sends them."""
    return {file: partial(handle.read, part) for file, part in DOCUMENTS.items()}


def particulars(handle: ExperimentHandle) -> Files:
    """The analysis of every problem, and what the experiment has, with its digests."""
    return {
        "analysis.json": lambda: json.dumps(handle.analysis(), ensure_ascii=False).encode(),
        "manifest.json": partial(handle.read, "manifest"),
    }


def save_results(handle: ExperimentHandle, out: Path, formats: Iterable[str], *, tell: Tell = tell) -> None:
    """Write the results in these formats, as they come, and say where they are, and whether they are all.

    Raises:
        StepbiasError: they are not to be had.
        OSError: the directory or a file cannot be written.
    """
    make_directory(out)
    for form in dict.fromkeys(formats):
        tell(handle.save_results(out / f"results.{form}"))
    record = handle.experiment
    if record.runs_done < record.runs_total:
        counts = f"{record.runs_done} of {record.runs_total} runs"
        remark(f"The results are of {counts}: the experiment is {record.status}.")


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


def numbers(handle: ExperimentHandle, runs: Sequence[int], *, arrays: bool, trajectories: bool) -> Files:
    """Where each of these runs ended with the data and interpolators of each problem, and what each run recorded."""
    files: dict[str, Callable[[], bytes]] = {}
    if arrays:
        files |= _run_files(handle, runs, "runs", "arrays") | _problem_files(handle)
    if trajectories:
        files |= _run_files(handle, runs, "trajectories", "trajectory")
        if json.loads(handle.read("spec")).get("recording", {}).get("vectors"):
            files |= _run_files(handle, runs, "vectors", "vectors")
    return files


def _run_files(handle: ExperimentHandle, runs: Sequence[int], folder: str, part: str) -> dict[str, Callable[[], bytes]]:
    """A file for each run, named by its index: names in order are runs in order."""
    digits = len(str(handle.experiment.runs_total - 1))
    return {f"{folder}/{index:0{digits}}.npz": partial(handle.read, f"runs/{index}/{part}.npz") for index in runs}


def _problem_files(handle: ExperimentHandle) -> dict[str, Callable[[], bytes]]:
    return {
        f"problems/{entry['index']}-{part}.npz": partial(handle.read, f"analysis/{entry['index']}/{part}.npz")
        for entry in handle.analysis()
        for part in ("data", "interpolators")
    }


def save(files: Files, out: Path, *, tell: Tell = tell) -> None:
    """Write the files, and say where they are.

    Raises:
        StepbiasError: one of them is not to be had.
        OSError: the directory or a file cannot be written.
    """
    for name, content in files.items():
        _write(out / name, content())
        tell(out / name)


def require_writable(out: Path) -> None:
    """Return if files can be written into the directory, which is made.

    Raises:
        OSError: they cannot.
    """
    make_directory(out)
    with TemporaryFile(dir=out):
        pass


def _write(file: Path, content: bytes) -> None:
    make_directory(file.parent)
    with whole_file(file) as part:
        part.write_bytes(content)


def save_what_there_is(files: Files, out: Path, *, tell: Tell = tell) -> tuple[list[str], dict[str, str]]:
    """As `save`; a file that this experiment does not offer is left out, and stderr says why.

    Nothing can be drawn of an experiment without a stored run, nor of one that sweeps nothing, or too much for a plane.

    Returns:
        The paths of the files, and the reasons by the names of those that are left out.
    """
    saved, left_out = [], {}
    for name, content in files.items():
        try:
            save({name: content}, out, tell=tell)
            saved.append(str(out / name))
        except ProblemError as problem:
            if problem.status not in NOT_OFFERED:
                raise
            left_out[name] = _reason(problem)
            remark(f"{name} is left out: {left_out[name]}")
    return saved, left_out


def _reason(problem: ProblemError) -> str:
    """In words that are not those of HTTP."""
    told = "; ".join(error.detail for error in problem.errors) or problem.detail or problem.title
    return re.sub(r"by where\.(\w+)", r"with --where \1=VALUE", told)
