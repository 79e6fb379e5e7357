"""`stepbias submit`, `estimate`, `watch`, `cancel`, `retry`, `delete`: experiments of a service that runs somewhere."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import typer

from stepbias import Client, ExperimentHandle, ProblemError, ServiceUnreachable, StepbiasError
from stepbias.cli.failure import explained
from stepbias.progress import outcome_counts, progress_report, runs, status_line

INTERRUPTED: Final = 130
"""Exit code of a command ended by Ctrl-C, as shells have it."""

FIRST_CONTACT = 2.0
"""Seconds granted to a service that is not known to be there."""


@contextmanager
def connected(url: str) -> Iterator[Client]:
    """A client of the service at the address; expected errors of the block end the command with a sentence.

    A service that has answered once is waited for when it is away; one that is not there at all is reported at once.
    """
    with explained():
        with Client(url, patience=FIRST_CONTACT) as impatient:
            _greet(impatient, url)
        with Client(url) as client:
            yield client


def _greet(client: Client, url: str) -> None:
    try:
        client.version()
    except ServiceUnreachable as error:
        raise ServiceUnreachable(f"{error}. Start it with `stepbias up`, or say with --url where it is.") from None
    except ProblemError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise ServiceUnreachable(f"something answers at {url}, but it is not stepbias") from None
        raise


def spec_bytes(spec: str) -> bytes:
    """What stands in a file, or on stdin if the name is `-`.

    Raises:
        StepbiasError: there is no stdin.
        OSError: the file cannot be read.
    """
    if spec != "-":
        return Path(spec).read_bytes()
    if sys.stdin is None:
        raise StepbiasError("stdin is closed: give the spec as a file")
    return sys.stdin.buffer.read()


def submit(spec: str, *, url: str, then_watch: bool, **execution: Any) -> int:
    """Hand in an experiment; print its id on stdout."""
    with connected(url) as client:
        handle = client.submit(spec_bytes(spec), **execution)
        typer.echo(handle.id)
        typer.echo(status_line(handle.experiment), err=True)
        if handle.experiment.tags_added:
            typer.echo(f"it was there already, and has new tags: {', '.join(handle.experiment.tags_added)}", err=True)
        return follow(handle, err=True) if then_watch else 0


def estimate(spec: str, *, url: str) -> int:
    """Print what an experiment would cost, as JSON on stdout and as a sentence beside it."""
    with connected(url) as client:
        found = client.estimate(spec_bytes(spec))
        typer.echo(json.dumps(found, indent=2))
        seconds, size = found["predicted_seconds"], found["bytes"] / 1e6
        typer.echo(f"{runs(found['runs'])}: about {seconds:g} seconds on one core, {size:.3g} MB", err=True)
    return 0


def watch(experiment_id: str, *, url: str) -> int:
    """Show progress until the experiment is finished."""
    with connected(url) as client:
        return follow(client.experiment(experiment_id))


def follow(handle: ExperimentHandle, *, err: bool = False) -> int:
    """Show progress until the experiment is finished, and then its end; Ctrl-C ends only the showing."""
    try:
        with progress_report() as report:
            final = handle.wait(on_progress=lambda now: report(now.progress, status_line(now))).experiment
    except KeyboardInterrupt:
        typer.echo(f"No longer watching. The experiment goes on; to see it again: stepbias watch {handle.id}", err=True)
        return INTERRUPTED
    typer.echo(f"{handle.id} succeeded: {runs(final.runs_total)}: {outcome_counts(final.outcomes)}", err=err)
    return 0


def cancel(experiment_id: str, *, url: str) -> int:
    """Stop an experiment."""
    with connected(url) as client:
        typer.echo(status_line(client.experiment(experiment_id).cancel()))
    return 0


def retry(experiment_id: str, *, url: str) -> int:
    """Compute again what failed."""
    with connected(url) as client:
        typer.echo(status_line(client.experiment(experiment_id).retry()))
    return 0


def delete(experiment_ids: Iterable[str], *, url: str) -> int:
    """Delete each experiment that can be; say of each what became of it. 1 if one is still there that was refused."""
    refused = 0
    with connected(url) as client:
        for experiment_id in experiment_ids:
            try:
                client.experiment(experiment_id).delete()
            except ProblemError as problem:
                if problem.is_temporary:
                    raise
                refused += 1
                typer.echo(f"{experiment_id}: {problem}", err=True)
            else:
                typer.echo(f"{experiment_id}: deleted")
    return int(refused > 0)
