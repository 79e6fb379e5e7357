"""`stepbias status`, `spec`, `curves`, `figure`, `analyse`: one thing that a service knows, on stdout or in a file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from stepbias import ExperimentHandle
from stepbias.cli.choosing import Condition, chosen, conditions
from stepbias.cli.experiment_files import save
from stepbias.cli.live import waiting_lines
from stepbias.cli.narrowing import narrowed, narrowed_csv
from stepbias.cli.options import FIGURE_FILES, Service
from stepbias.cli.output import mute, remark, tell, tell_json, tell_table
from stepbias.cli.submit import connected
from stepbias.cli.upload import understood
from stepbias.experiment import Experiment
from stepbias.formats import ending
from stepbias.progress import outcome_counts, status_line


def status(experiment_id: str, *, service: Service, where: Sequence[str], as_json: bool) -> int:
    """How an experiment stands: a few lines, or the service's own document; or some of its runs, as a table."""
    wanted = conditions(where)
    with connected(service) as client:
        handle = client.experiment(experiment_id)
        if wanted:
            _tell_runs(handle, wanted, as_json=as_json)
        elif as_json:
            tell_json(handle.experiment.document)
        else:
            _tell_status(handle.experiment)
    return 0


def _tell_status(record: Experiment) -> None:
    tell(f"{record.id}  {record.name}")
    tell(status_line(record))
    if record.outcomes:
        tell(outcome_counts(record.outcomes))
    for line in waiting_lines(record):
        tell(line)
    if record.error:
        tell(record.error)


def _tell_runs(handle: ExperimentHandle, wanted: Sequence[Condition], *, as_json: bool) -> None:
    """The stored runs that are meant."""
    rows = chosen(stored_runs(handle), wanted)
    if as_json:
        tell_json(rows)
        return
    axes = next(handle.runs())["coordinates"]
    columns = list(dict.fromkeys(["index", *axes, *(each.name for each in wanted), "outcome", "steps", "train_loss"]))
    tell_table(columns, ([row[name] for name in columns] for row in rows))


def stored_runs(handle: ExperimentHandle) -> list[Mapping[str, Any]]:
    """Every run that is stored, as a flat document."""
    return [json.loads(line) for line in handle.read("results.ndjson").splitlines()]


def spec(experiment_id: str, *, service: Service) -> int:
    """The spec of an experiment, ready to be changed and submitted."""
    with connected(service) as client:
        tell_json(json.loads(client.experiment(experiment_id).read("spec")))
    return 0


def curves(
    experiment_id: str, question: Mapping[str, Any], *, service: Service, as_csv: bool, where: Sequence[str]
) -> int:
    """Curves of the results, as JSON or CSV."""
    shown = (question["x"], question["series"])
    wanted = conditions(where)
    fixing = [each for each in wanted if each.relation in {"=", "=="} and each.name not in shown]
    narrowing = [each for each in wanted if each not in fixing]
    given = {name: value for name, value in question.items() if value is not None}
    given |= {f"where.{each.name}": each.value for each in fixing}
    with connected(service) as client:
        handle = client.experiment(experiment_id)
        found = narrowed(json.loads(handle.read("curves", **given)), narrowing)
        table = handle.read("curves.csv", **given).decode() if as_csv else ""
    if as_csv:
        tell(narrowed_csv(table, found, narrowing).rstrip("\n"))
    else:
        tell_json(found)
    return 0


def figure(  # noqa: PLR0913 - each is an option of the command, and all but the first two are named
    experiment_id: str,
    name: str | None,
    *,
    service: Service,
    out: Path,
    form: str,
    asked: Mapping[str, Any],
    data: bool,
    as_json: bool,
) -> int:
    """One figure as a file, whose path is printed; without a name, the names of those that suit the experiment.

    `out` is a directory, or the file itself where it has the ending of a figure. With `data` its numbers stand beside.
    """
    query = {key: value for key, value in asked.items() if value is not None}
    is_file = ending(out) in FIGURE_FILES
    form = ending(out) if is_file else form
    with connected(service) as client:
        handle = client.experiment(experiment_id)
        if name is None:
            answer: Any = handle.figures()
            lines = "\n".join(answer)
        else:
            directory, stem = (out.parent, out.stem) if is_file else (out, name)
            files = {out.name if is_file else f"{stem}.{form}": form} | ({f"{stem}.csv": "csv"} if data else {})
            read = handle.figure_file
            save({file: partial(read, name, each, query) for file, each in files.items()}, directory, tell=mute)
            paths = [str(directory / file) for file in files]
            answer, lines = {"file": paths[0]} | ({"data": paths[-1]} if data else {}), "\n".join(paths)
    if as_json:
        tell_json(answer)
    else:
        tell(lines)
    return 0


def analyse(
    files: Sequence[Path],
    *,
    service: Service,
    as_json: bool,
    transform: Mapping[str, str],
    train: Path | None = None,
    **options: Any,
) -> int:
    """What a large step would do on data of one's own, before any training: a page, or the service's document.

    Args:
        files: of the data set.
        service: which one is asked.
        as_json: whether the answer is the document.
        transform: of the data before.
        train: where the results go of what the analysis advises, if that is to be trained.
        options: how a .csv file is understood.
    """
    with connected(service) as client:
        uploaded = client.upload_dataset(files, **options)
        found = client.dataset_analysis(uploaded["id"], transform=transform or None)
        page = "\n".join(_page(uploaded, found))
        if train is not None:
            from stepbias.cli.own_data import advised_spec, train_advised  # noqa: PLC0415 - which import this

            remark(page)
            spec = advised_spec(uploaded["id"], found, transform=transform, name=files[0].stem)
            return train_advised(client, spec, train, as_json=as_json)
    if as_json:
        tell_json(found)
    else:
        tell(page)
    return 0


STABLE: Final = {
    "start_stable_step": "at the start",
    "flow_stable_step": "at the limit of gradient flow",
    "least_norm_stable_step": "at the least ℓ2 norm",
    "max_stable_step": "at the flattest interpolator (η*)",
}


def _page(uploaded: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    yield f"data set {uploaded['id']}"
    yield from (f"  {line}" for line in understood(uploaded["reading"]))
    fits = "some predictor fits them exactly" if found["interpolates"] else "no predictor fits them exactly"
    yield f"N = {found['samples']} samples in d = {found['dimension']} columns, rank {found['rank']}: {fits}"
    off_centre, uneven = _number(found["mean_to_spread"]), _number(found["column_scale_ratio"])
    yield f"mean to spread of the columns {off_centre}, the greatest spread {uneven} times the least"
    yield "gradient descent is stable"
    yield from (f"  {where:<34} up to η = {_number(found[step])}" for step, where in STABLE.items() if found.get(step))
    yield from _references(found)
    yield from ("", found["regime"], *found["advice"]["sentences"])


def _references(found: Mapping[str, Any]) -> Iterator[str]:
    shown = ("l1_norm", "l2_norm", "sharpness", "test_loss")
    for name, reference in (found["references"] or {}).items():
        numbers = ", ".join(f"{each} {_number(reference[each])}" for each in shown if reference.get(each) is not None)
        yield f"{name}: {numbers}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
