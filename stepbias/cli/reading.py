"""`stepbias status`, `spec`, `curves`, `figure`, `analyse`: one thing that a service knows, on stdout or in a file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import typer

from stepbias.cli.experiment_files import save
from stepbias.cli.options import PICTURES
from stepbias.cli.submit import connected
from stepbias.progress import outcome_counts, status_line


def status(experiment_id: str, *, url: str, as_json: bool) -> int:
    """How an experiment stands: a few lines, or the service's own document."""
    with connected(url) as client:
        handle = client.experiment(experiment_id)
        if as_json:
            _print_json(handle.read())
            return 0
        record = handle.experiment
    typer.echo(f"{record.id}  {record.name}")
    typer.echo(status_line(record))
    if record.outcomes:
        typer.echo(outcome_counts(record.outcomes))
    if record.queue:
        ahead, seconds = record.queue["experiments_ahead"], record.queue["seconds_ahead"]
        typer.echo(f"waits in place {record.queue['position']}, behind {ahead} others and about {seconds:g} s of work")
    if record.error:
        typer.echo(record.error)
    return 0


def spec(experiment_id: str, *, url: str) -> int:
    """The spec of an experiment, ready to be changed and submitted."""
    with connected(url) as client:
        _print_json(client.experiment(experiment_id).read("spec"))
    return 0


def curves(experiment_id: str, question: Mapping[str, Any], *, url: str, as_csv: bool, where: Sequence[str]) -> int:
    """Curves of the results, as JSON or CSV."""
    fixed = {f"where.{axis}": value for axis, _, value in (each.partition("=") for each in where)}
    given = {name: value for name, value in question.items() if value is not None} | fixed
    with connected(url) as client:
        content = client.experiment(experiment_id).read("curves.csv" if as_csv else "curves", **given)
    if as_csv:
        typer.echo(content.decode().rstrip("\n"))
    else:
        _print_json(content)
    return 0


def figure(  # noqa: PLR0913 - each is an option of the command, and all but the first two are named
    experiment_id: str, name: str | None, *, url: str, out: Path, form: str, asked: Mapping[str, Any], data: bool
) -> int:
    """One figure as a file, whose path is printed; without a name, the names of those that suit the experiment.

    `out` is a directory, or the file itself where it has the ending of a picture. With `data` its numbers stand beside.
    """
    query = {key: value for key, value in asked.items() if value is not None}
    is_file = out.suffix[1:] in PICTURES
    form = out.suffix[1:] if is_file else form
    with connected(url) as client:
        handle = client.experiment(experiment_id)
        if name is None:
            typer.echo("\n".join(handle.figures()))
        else:
            stem = out.stem if is_file else name
            files = {f"{stem}.{each}": each for each in ([form, "csv"] if data else [form])}
            read = handle.figure_file
            save(
                {file: partial(read, name, each, query) for file, each in files.items()},
                out.parent if is_file else out,
            )
    return 0


def analyse(files: Sequence[Path], *, url: str, as_json: bool, transform: Mapping[str, str], **options: Any) -> int:
    """What a large step would do on data of one's own, before any training: a page, or the service's document."""
    with connected(url) as client:
        uploaded = client.upload_dataset(files, **options)
        found = client.dataset_analysis(uploaded["id"], transform=transform or None)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(_page(uploaded, found)))
    return 0


STABLE: Final = {
    "start_stable_step": "at the start",
    "flow_stable_step": "at the limit of gradient flow",
    "least_norm_stable_step": "at the least ℓ2 norm",
    "max_stable_step": "at the flattest interpolator (η*)",
}


def _page(uploaded: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    yield f"data set {uploaded['id']}"
    for what in ("dropped", "converted", "guessed"):
        yield from (f"  {what}: {sentence}" for sentence in uploaded["reading"][what])
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


def _print_json(content: bytes) -> None:
    typer.echo(json.dumps(json.loads(content), indent=2, ensure_ascii=False))
