"""`stepbias run`: an experiment computed in this process, without server, queue or network."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx2
import typer
from typing_extensions import override  # in typing itself from Python 3.12 on

from api.app import create_app
from api.refusals import Fault, Refusal, UnusableBody
from api.submission import read_spec
from core.errors import StepbiasError
from core.spec.experiment_spec import ExperimentSpec, UploadedData
from jobs.states import ExperimentStatus
from stepbias import Client, ClientError, ProblemError
from stepbias.cli.experiment_files import documents, numbers, save_what_there_is
from stepbias.cli.failure import explained
from stepbias.cli.progress import outcome_counts, progress_report, runs, standing
from stepbias.cli.submit import INTERRUPTED, spec_bytes
from worker.local import LocalExperiment, run_locally


def run(spec: str, *, out: Path, arrays: bool, trajectories: bool) -> int:
    """Compute the experiment and save what `fetch` would."""
    # A failed job is reported below, in one sentence; the worker's log is for the operator of a service.
    logging.getLogger("worker").addHandler(logging.NullHandler())
    with explained(StepbiasError):
        document = _document(spec_bytes(spec))
        try:
            with progress_report() as report:
                local = run_locally(document, on_progress=lambda now: report(now.progress, standing(now)))
        except KeyboardInterrupt:
            typer.echo("Stopped; nothing is saved. A service keeps what is finished: stepbias submit", err=True)
            return INTERRUPTED
        ended = local.experiment
        if ended.status is not ExperimentStatus.SUCCEEDED:
            typer.echo(f"stepbias: the experiment {ended.status}: {ended.error}", err=True)
            return 1
        _save(local, out, arrays=arrays, trajectories=trajectories)
    typer.echo(f"{runs(ended.runs_total)}: {outcome_counts(ended.outcomes)}")
    return 0


def _document(body: bytes) -> ExperimentSpec:
    """The spec, refused for the reasons and at the places that a service names.

    Raises:
        ClientError: it is refused.
    """
    try:
        spec = read_spec(body)
        _require_own_data(spec)
    except Refusal as refusal:
        places = (f"  {fault.pointer or '(the document)'}: {fault.detail}" for fault in refusal.faults)
        raise ClientError("\n".join([refusal.detail, *places])) from None
    return spec


def _require_own_data(spec: ExperimentSpec) -> None:
    """Return if the spec has all its data in itself.

    Raises:
        UnusableBody: it names an upload, which only a service keeps.
    """
    if isinstance(spec.data, UploadedData):
        fault = Fault(pointer="/data/kind", detail="uploads are kept by a service; put X and y here, as kind inline")
        raise UnusableBody("Without a service there are no uploaded data sets.", faults=(fault,))


def _save(local: LocalExperiment, out: Path, *, arrays: bool, trajectories: bool) -> None:
    """The API itself answers, over the store in memory: its files are a service's, byte for byte, by construction."""
    context = local.context
    app = create_app(context.settings, context.store, context.sender)
    with Client("http://local", patience=0, transport=_InProcess(httpx2.ASGITransport(app))) as client:
        handle = client.experiment(local.experiment.id)
        drawn = {f"{name}.png": _drawing(local, name, "png") for name in handle.figures()}
        files = {**documents(handle), **drawn}
        save_what_there_is({**files, **numbers(handle, arrays=arrays, trajectories=trajectories)}, out)


def _drawing(local: LocalExperiment, name: str, form: str) -> Callable[[], bytes]:
    def drawing() -> bytes:
        try:
            return local.figure(name, form)
        except StepbiasError as error:
            # What the API would answer.
            raise ProblemError(
                status=HTTPStatus.UNPROCESSABLE_ENTITY,
                title="This figure does not suit the experiment",
                detail=str(error),
            ) from None

    return drawing


class _InProcess(httpx2.BaseTransport):
    """Requests go into an application of this process, one at a time."""

    def __init__(self, transport: httpx2.ASGITransport) -> None:
        self._transport = transport

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return asyncio.run(self._answer(request))

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._transport.handle_async_request(request)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=await answer.aread())
