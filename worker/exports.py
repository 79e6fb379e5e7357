"""Results as files, written by the worker that draws: a little of each in turn, so that nothing waits for long."""

import logging
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from typing import Final

from core.exports.files import file_pieces
from core.exports.format import Format
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.document_keys import figure_error_key
from jobs.errors import ExperimentNotFound, ResultsMissing, StoreFull, StoreUnavailable
from jobs.heading import heading
from jobs.kept_results import Overtaken, ResultsFile
from jobs.owned_store import store_of_experiment
from jobs.records import FigureRequest
from jobs.states import ExperimentStatus
from jobs.stored_runs import StoredRuns
from worker.context import WorkerContext
from worker.hanging import ended_if_it_hangs

log = logging.getLogger(__name__)

SLICE_SECONDS: Final = 0.25
"""Of writing, after which whatever else waits has a turn."""

MOST_AT_ONCE: Final = 4
"""Files that take turns: some formats hold the numbers of all runs until the last is read, 36 MB of 100,000 runs."""

ERROR_SECONDS: Final = 30.0
"""For so long the API writes itself what a worker could not."""


class Exports:
    """The files that this process has taken on and not ended: the first few take turns, the others wait for them."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._open: deque[tuple[FigureRequest, Generator[None]]] = deque()

    def begin(self, request: FigureRequest) -> None:
        """Take on a file that was asked for; there is nothing to do if it is written, or being written."""
        self._open.append((request, _writing(self._context, request)))

    def go_on(self) -> bool:
        """Write a little of the file whose turn it is; whether there was one."""
        if not self._open:
            return False
        request, writing = self._open.popleft()
        with ended_if_it_hangs(self._context, _named(request)):
            if self._goes_on(request, writing):
                self._open.insert(MOST_AT_ONCE - 1, (request, writing))
        return True

    def leave(self) -> None:
        """Write no more: what is not whole is begun anew when somebody asks again."""
        while self._open:
            with suppress(StoreUnavailable):
                self._open.pop()[1].close()

    def _goes_on(self, request: FigureRequest, writing: Generator[None]) -> bool:
        """Whether there is more to write after this slice."""
        deadline = self._context.clock() + SLICE_SECONDS
        try:
            next(writing)
            while self._context.clock() < deadline:
                next(writing)
        except StopIteration:
            return False
        except (Overtaken, ExperimentNotFound) as reason:
            log.info("%s is put down: %s", _named(request), reason)
            return False
        except (ResultsMissing, StoreFull) as reason:
            log.warning("%s is not written: %s", _named(request), reason)
            self._tell(request, reason)
            return False
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("%s could not be written", _named(request))
            self._tell(request, error)
            return False
        return True

    def _tell(self, request: FigureRequest, error: Exception) -> None:
        """Let whoever waits know."""
        reason = f"{type(error).__name__}: {error}".encode()
        with suppress(StoreFull):
            self._context.store.put_document(figure_error_key(request.key), reason, seconds=ERROR_SECONDS)


def _writing(context: WorkerContext, request: FigureRequest) -> Generator[None]:
    store = store_of_experiment(context.store, request.experiment_id)
    experiment, form = store.experiment(request.experiment_id), Format(request.format)
    file = ResultsFile.of(experiment, form, store)
    # Another version asks for what it would write itself.
    is_known = request.key.endswith(f":{file.state}:{form}")
    if experiment.status is not ExperimentStatus.SUCCEEDED or not is_known or file.found() is not None:
        return
    grid = Grid(ExperimentSpec.model_validate_json(store.spec(experiment.id)))
    runs = StoredRuns.all(experiment.id, grid, store)
    plain = file_pieces(form, grid, runs.slices(), heading(experiment).attributes)
    yield from file.write(plain, clock=context.clock)


def _named(request: FigureRequest) -> str:
    return f"experiment {request.experiment_id}, results as {request.format}"
