"""`stepbias fetch`: what an experiment of a service has found, as files."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from stepbias import ExperimentHandle, StepbiasError
from stepbias.cli.choosing import chosen, conditions
from stepbias.cli.curve_files import curve_files
from stepbias.cli.experiment_files import (
    DOCUMENTS,
    Files,
    documents,
    figures,
    numbers,
    particulars,
    require_own,
    save_results,
    save_what_there_is,
)
from stepbias.cli.options import Service
from stepbias.cli.output import mute, remark, tell, tell_json
from stepbias.cli.reading import stored_runs
from stepbias.cli.submit import connected
from stepbias.formats import RESULT_FORMATS

Rows = Sequence[Mapping[str, Any]]

NONE: Final[Files] = MappingProxyType({})

OF_ROWS: Final = ("csv", "ndjson")
"""Formats that some of the runs can be saved in."""


def fetch(  # noqa: PLR0913 - each is an option of the command, and all but the id are named
    experiment_id: str,
    *,
    out: Path,
    service: Service,
    arrays: bool,
    trajectories: bool,
    formats: Sequence[str],
    where: Sequence[str],
    as_json: bool,
) -> int:
    """Save all there is of an experiment; the results of all runs or, with conditions, of those that they mean."""
    wanted = conditions(where)
    with connected(service) as client:
        handle = client.experiment(experiment_id)
        stored = stored_runs(handle) if wanted or arrays or trajectories else []
        rows = chosen(stored, wanted)
        files = dict(numbers(handle, [row["index"] for row in rows], arrays=arrays, trajectories=trajectories))
        if wanted:
            files |= _tables(rows, list(stored[0]) if stored else [], formats or OF_ROWS)
            remark("The results are of the runs that --where means; all else is of the whole experiment.")
        return save_all(handle, out, () if wanted else formats or RESULT_FORMATS, files, as_json=as_json)


def save_all(
    handle: ExperimentHandle,
    out: Path,
    formats: Sequence[str] = RESULT_FORMATS,
    more: Files = NONE,
    *,
    as_json: bool = False,
) -> int:
    """Save the results of all runs in these formats, all that describes them, and more; print which files there are."""
    say = mute if as_json else tell
    files = {**_described(handle), **more}
    names = [f"results.{form}" for form in dict.fromkeys(formats)]
    require_own(out, handle.read("spec"), [*names, *files])
    save_results(handle, out, formats, tell=say)
    saved, left_out = save_what_there_is(files, out, tell=say)
    if as_json:
        tell_json({"files": [*(str(out / name) for name in names), *saved], "left_out": left_out})
    return 0


def _described(handle: ExperimentHandle) -> Files:
    """All but the runs themselves."""
    pictures = {f"{name}.png": name for name in handle.figures()}
    kept = {
        name: content for name, content in documents(handle).items() if DOCUMENTS[name] not in {"results", "curves"}
    }
    return {**kept, **curve_files(handle), **particulars(handle), **figures(handle, pictures)}


def _tables(rows: Rows, names: Sequence[str], formats: Sequence[str]) -> Files:
    """Some of the runs, in formats that have a row for each.

    Raises:
        StepbiasError: a format has not.
    """
    if others := sorted(set(formats) - set(OF_ROWS)):
        raise StepbiasError(f"--where saves results as {' or '.join(OF_ROWS)}, and not as {', '.join(others)}")
    written = {"csv": partial(_csv, rows, names), "ndjson": partial(_ndjson, rows)}
    return {f"results.{form}": written[form] for form in formats}


def _csv(rows: Rows, names: Sequence[str]) -> bytes:
    table = io.StringIO()
    writer = csv.DictWriter(table, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue().encode()


def _ndjson(rows: Rows) -> bytes:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
