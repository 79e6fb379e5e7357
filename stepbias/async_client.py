"""The same client for programs that do many things at once: each request is made in a thread.

The threads are the client's own, and who waits for experiments takes none from those who ask. Names, parameters and
answers are those of `Client` and `ExperimentHandle`; what is awaited there is waited for here.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from functools import partial, update_wrapper
from types import TracebackType
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

import httpx2

from stepbias.client import Client
from stepbias.comparison import Comparison
from stepbias.experiment import Experiment
from stepbias.handle import ExperimentHandle, unseen
from stepbias.progress import progress_report, status_line
from stepbias.retry_pauses import Clock

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

ASKING: Final = 32
WAITING: Final = 64
"""Requests at a time; a client has 100 connections at most."""


class _Threads:
    """Of one client: where it asks, and where it waits for what the service holds back."""

    def __init__(self) -> None:
        self.asking, self.waiting = (ThreadPoolExecutor(most, "stepbias") for most in (ASKING, WAITING))

    def end(self) -> None:
        """Begin nothing any more."""
        self.asking.shutdown(wait=False)
        self.waiting.shutdown(wait=False)


async def _within(threads: ThreadPoolExecutor, call: Callable[[], Answer]) -> Answer:
    """As `asyncio.to_thread`, in one of these."""
    return await asyncio.get_running_loop().run_in_executor(threads, partial(copy_context().run, call))


def _asked(
    method: Callable[Concatenate[Client, Given], Answer],
) -> "Callable[Concatenate[AsyncClient, Given], Coroutine[Any, Any, Answer]]":
    async def asked(self: "AsyncClient", /, *args: Given.args, **options: Given.kwargs) -> Answer:
        return await _within(self._threads.asking, partial(method, self._client, *args, **options))

    return update_wrapper(asked, method)


def _read(
    method: Callable[Concatenate[ExperimentHandle, Given], Answer],
) -> "Callable[Concatenate[AsyncExperimentHandle, Given], Coroutine[Any, Any, Answer]]":
    async def read(self: "AsyncExperimentHandle", /, *args: Given.args, **options: Given.kwargs) -> Answer:
        return await _within(self._threads.asking, partial(method, self._handle, *args, **options))

    return update_wrapper(read, method)


async def _each(threads: ThreadPoolExecutor, entries: Iterator[Answer]) -> AsyncIterator[Answer]:
    """Each of them, waited for in a thread."""
    while found := await _within(threads, lambda: list(itertools.islice(entries, 1))):
        yield found[0]


class AsyncExperimentHandle:
    """As `ExperimentHandle`, to be awaited; `AsyncClient.submit` and `AsyncClient.experiment` make one."""

    def __init__(self, handle: ExperimentHandle, threads: _Threads) -> None:
        self._handle = handle
        self._threads = threads

    def __repr__(self) -> str:
        return repr(self._handle)

    def _repr_html_(self) -> str:
        return self._handle._repr_html_()

    @property
    def id(self) -> str:
        """As of `ExperimentHandle`."""
        return self._handle.id

    @property
    def status(self) -> str:
        """As of `ExperimentHandle`."""
        return self._handle.status

    @property
    def experiment(self) -> Experiment:
        """As of `ExperimentHandle`."""
        return self._handle.experiment

    @property
    def etag(self) -> str | None:
        """As of `ExperimentHandle`."""
        return self._handle.etag

    async def wait(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as `ExperimentHandle.wait` has it; it names the experiment
        on_progress: Callable[[Experiment], object] | None = None,
        *,
        progress: bool = False,
    ) -> Self:
        """As of `ExperimentHandle`; who is cancelled meanwhile stops waiting."""
        with progress_report() if progress else nullcontext(unseen) as report:
            async for experiment in _each(self._threads.waiting, self._handle.courses(timeout)):
                if on_progress is not None:
                    on_progress(experiment)
                report(experiment.progress, status_line(experiment))
        self._handle.require_success()
        return self

    async def compare(self, other: Self) -> Comparison:
        """As of `ExperimentHandle`."""
        return await _within(self._threads.asking, partial(self._handle.compare, other._handle))

    def as_completed(self, timeout: float | None = None) -> AsyncIterator[dict[str, Any]]:
        """As of `ExperimentHandle`."""
        return _each(self._threads.waiting, self._handle.as_completed(timeout))

    def runs(self) -> AsyncIterator[dict[str, Any]]:
        """As of `ExperimentHandle`."""
        return _each(self._threads.asking, self._handle.runs())

    refresh = _read(ExperimentHandle.refresh)
    cancel = _read(ExperimentHandle.cancel)
    retry = _read(ExperimentHandle.retry)
    edit = _read(ExperimentHandle.edit)
    delete = _read(ExperimentHandle.delete)
    results = _read(ExperimentHandle.results)
    save_results = _read(ExperimentHandle.save_results)
    to_xarray = _read(ExperimentHandle.to_xarray)
    to_pandas = _read(ExperimentHandle.to_pandas)
    to_polars = _read(ExperimentHandle.to_polars)
    curves = _read(ExperimentHandle.curves)
    analysis = _read(ExperimentHandle.analysis)
    report = _read(ExperimentHandle.report)
    figures = _read(ExperimentHandle.figures)
    figure = _read(ExperimentHandle.figure)
    figure_file = _read(ExperimentHandle.figure_file)
    read = _read(ExperimentHandle.read)
    run = _read(ExperimentHandle.run)
    trajectory = _read(ExperimentHandle.trajectory)
    vectors = _read(ExperimentHandle.vectors)
    arrays = _read(ExperimentHandle.arrays)
    predictor = _read(ExperimentHandle.predictor)
    save_arrays = _read(ExperimentHandle.save_arrays)
    data = _read(ExperimentHandle.data)
    interpolators = _read(ExperimentHandle.interpolators)


def _handled(
    method: Callable[Concatenate[Client, Given], ExperimentHandle],
) -> "Callable[Concatenate[AsyncClient, Given], Coroutine[Any, Any, AsyncExperimentHandle]]":
    async def handled(self: "AsyncClient", /, *args: Given.args, **options: Given.kwargs) -> AsyncExperimentHandle:
        handle = await _within(self._threads.asking, partial(method, self._client, *args, **options))
        return AsyncExperimentHandle(handle, self._threads)

    return update_wrapper(handled, method)


def _listed(
    method: Callable[Concatenate[Client, Given], Iterator[Answer]],
) -> "Callable[Concatenate[AsyncClient, Given], AsyncIterator[Answer]]":
    def listed(self: "AsyncClient", /, *args: Given.args, **options: Given.kwargs) -> AsyncIterator[Answer]:
        return _each(self._threads.asking, method(self._client, *args, **options))

    return update_wrapper(listed, method)


def _listed_handles(
    method: Callable[Concatenate[Client, Given], Iterator[ExperimentHandle]],
) -> "Callable[Concatenate[AsyncClient, Given], AsyncIterator[AsyncExperimentHandle]]":
    async def listed(
        self: "AsyncClient", /, *args: Given.args, **options: Given.kwargs
    ) -> AsyncIterator[AsyncExperimentHandle]:
        async for handle in _each(self._threads.asking, method(self._client, *args, **options)):
            yield AsyncExperimentHandle(handle, self._threads)

    return update_wrapper(listed, method)


class AsyncClient:
    """As `Client`, to be awaited; an asynchronous context manager that closes its connections."""

    def __init__(  # noqa: PLR0913 - as `Client` has it
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        timeout: float = 30.0,
        patience: float = 60.0,
        api_key: str | None = None,
        transport: httpx2.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = Client(
            base_url, timeout=timeout, patience=patience, api_key=api_key, transport=transport, clock=clock
        )
        self._threads = _Threads()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def with_options(self, *, timeout: float | None = None, patience: float | None = None) -> "AsyncClient":
        """As of `Client`."""
        other = AsyncClient.__new__(AsyncClient)
        other._client = self._client.with_options(timeout=timeout, patience=patience)  # noqa: SLF001 - of this class
        other._threads = _Threads()  # noqa: SLF001 - as above
        return other

    async def close(self) -> None:
        """As of `Client`."""
        await _within(self._threads.asking, self._client.close)
        self._threads.end()

    submit = _handled(Client.submit)
    estimate = _asked(Client.estimate)
    experiment = _handled(Client.experiment)
    experiments = _listed_handles(Client.experiments)
    upload = _asked(Client.upload)
    upload_dataset = _asked(Client.upload_dataset)
    dataset = _asked(Client.dataset)
    datasets = _listed(Client.datasets)
    dataset_analysis = _asked(Client.dataset_analysis)
    delete_dataset = _asked(Client.delete_dataset)
    presets = _asked(Client.presets)
    preset = _asked(Client.preset)
    version = _asked(Client.version)
