"""`stepbias submit`, `estimate`, `watch`, `cancel`, `retry`, `delete`: experiments of a service that runs somewhere."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from stepbias import Client, Experiment, ExperimentHandle, ProblemError, ServiceUnreachable, StepbiasError
from stepbias.cli.command import INTERRUPTED
from stepbias.cli.failure import explained
from stepbias.cli.live import shown
from stepbias.cli.options import Service
from stepbias.cli.output import remark, tell, tell_json, tell_json_line
from stepbias.connecting import connect
from stepbias.progress import outcome_counts, runs, status_line

FIRST_CONTACT = 2.0
"""Seconds granted to a service that is not known to be there."""


@contextmanager
def connected(service: Service) -> Iterator[Client]:
    """A client of the service; expected errors of the block end the command with a sentence.

    A service that has answered once is waited for when it is away; one that is not there at all is reported at once.
    """
    with explained(), connect(service.url, profile=service.profile) as client:
        with client.with_options(patience=FIRST_CONTACT) as impatient:
            _greet(impatient)
        yield client


def _greet(client: Client) -> None:
    try:
        client.version()
    except ServiceUnreachable as error:
        raise ServiceUnreachable(f"{error}. Start it with `stepbias up`, or say with --url where it is.") from None
    except ProblemError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise ServiceUnreachable("something answers at this address, but it is not stepbias") from None
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


def submit(spec: str, *, service: Service, then_watch: bool, as_json: bool, **execution: Any) -> int:
    """Hand in an experiment; print its id on stdout, or its document: the last one, if it is watched."""
    with connected(service) as client:
        handle = client.submit(spec_bytes(spec), **execution)
        if not as_json:
            tell(handle.id)
        remark(status_line(handle.experiment))
        if handle.experiment.tags_added:
            remark(f"it was there already, and has new tags: {', '.join(handle.experiment.tags_added)}")
        try:
            return follow(handle, tell=remark) if then_watch else 0
        finally:
            if as_json:
                tell_json(handle.experiment.document)


def estimate(spec: str, *, service: Service) -> int:
    """Print what an experiment would cost, as JSON on stdout and as a sentence beside it."""
    with connected(service) as client:
        found = client.estimate(spec_bytes(spec))
    tell_json(found)
    seconds, size = found["predicted_seconds"], found["bytes"] / 1e6
    remark(f"{runs(found['runs'])}: about {seconds:g} seconds on one core, {size:.3g} MB")
    # A service of before says nothing of its workers.
    if wall_time := found.get("wall_time"):
        about = "" if wall_time["seconds"] is None else f"Done in about {wall_time['seconds']:g} seconds. "
        remark(f"{about}{wall_time['explanation']}")
    return 0


def watch(experiment_id: str, *, service: Service, as_json: bool) -> int:
    """Show progress until the experiment is finished; as JSON, every answer of the service in a line."""
    with connected(service) as client:
        handle = client.experiment(experiment_id)
        if not as_json:
            return follow(handle)
        handle.wait(on_progress=lambda now: tell_json_line(now.document))
    return 0


def follow(handle: ExperimentHandle, *, tell: Callable[[object], None] = tell) -> int:
    """Show progress until the experiment is finished, and then its end; Ctrl-C ends only the showing."""
    try:
        with shown() as show:
            final = handle.wait(on_progress=show).experiment
    except KeyboardInterrupt:
        remark(f"No longer watching. The experiment goes on; to see it again: stepbias watch {handle.id}")
        return INTERRUPTED
    tell(f"{handle.id} succeeded: {runs(final.runs_total)}: {outcome_counts(final.outcomes)}")
    return 0


def cancel(experiment_id: str, *, service: Service, as_json: bool) -> int:
    """Stop an experiment."""
    with connected(service) as client:
        _tell_status(client.experiment(experiment_id).cancel(), as_json=as_json)
    return 0


def retry(experiment_id: str, *, service: Service, as_json: bool) -> int:
    """Compute again what failed."""
    with connected(service) as client:
        _tell_status(client.experiment(experiment_id).retry(), as_json=as_json)
    return 0


def _tell_status(experiment: Experiment, *, as_json: bool) -> None:
    if as_json:
        tell_json(experiment.document)
    else:
        tell(status_line(experiment))


def delete(experiment_ids: Iterable[str], *, service: Service, as_json: bool) -> int:
    """Delete each experiment that can be; say of each what became of it. 1 if one is still there that was refused."""
    refused: dict[str, str | None] = {}
    with connected(service) as client:
        for experiment_id in experiment_ids:
            refused[experiment_id] = _refusal(client, experiment_id)
            if as_json:
                tell_json_line({"id": experiment_id, "refused": refused[experiment_id]})
            elif refused[experiment_id] is not None:
                remark(f"{experiment_id}: {refused[experiment_id]}")
            else:
                tell(f"{experiment_id}: deleted")
    return int(any(refused.values()))


def _refusal(client: Client, experiment_id: str) -> str | None:
    """Why an experiment is still there; None if it is deleted."""
    try:
        client.experiment(experiment_id).delete()
    except ProblemError as problem:
        if problem.is_temporary:
            raise
        return str(problem)
    return None
