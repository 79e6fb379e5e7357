"""A whole experiment in this process, without any service: the same jobs, done one after the other from memory."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.memory import MemorySender, MemoryStore
from jobs.records import Experiment, Message, Queue, plan_job_id
from jobs.settings import Settings
from worker.context import WorkerContext
from worker.drawing import analyses_of, draw_figure
from worker.perform import perform

REPORT_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class LocalExperiment:
    """A finished experiment: its record, the summary of each run (None where it failed), the data sets' analyses."""

    experiment: Experiment
    summaries: Sequence[bytes | None]
    analyses: Sequence[dict[str, Any] | None]
    context: WorkerContext

    def figure(self, name: str, form: str) -> bytes:
        """A figure of the experiment, as the service would draw it."""
        return draw_figure(self.context, self.experiment.id, name, form)


def run_locally(
    spec: ExperimentSpec, *, on_progress: Callable[[Experiment], None], settings: Settings | None = None
) -> LocalExperiment:
    """Run the experiment here; `on_progress` is called from another thread about twice a second.

    The numbers are those of the service with the same kernel id, to the bit.
    """
    settings = settings or Settings()
    sender = MemorySender()
    context = WorkerContext(store=MemoryStore(settings), sender=sender, settings=settings, name="local")
    grid = Grid(spec)
    submission = context.store.submit(
        spec=spec.canonical(), content_hash=spec.content_hash(), name=spec.name, tags=spec.tags, runs=len(grid)
    )
    experiment_id = submission.experiment.id
    context.sender.send([Message(job_id=plan_job_id(experiment_id), queue=Queue.INTERACTIVE)])
    with _Reporter(context, experiment_id, on_progress):
        _work_off(sender, context)
    return LocalExperiment(
        experiment=context.store.experiment(experiment_id),
        summaries=context.store.summaries(experiment_id, 0, len(grid)),
        analyses=analyses_of(context, grid),
        context=context,
    )


def _work_off(sender: MemorySender, context: WorkerContext) -> None:
    while (message := sender.receive()) is not None:
        perform(message.job_id, context)


class _Reporter:
    """Reports the experiment's record while the work goes on in the main thread, and once more at the end."""

    def __init__(self, context: WorkerContext, experiment_id: str, on_progress: Callable[[Experiment], None]) -> None:
        self._context, self._experiment_id, self._on_progress = context, experiment_id, on_progress
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._report()

    def _report(self) -> None:
        self._on_progress(self._context.store.experiment(self._experiment_id))

    def _run(self) -> None:
        while not self._over.wait(REPORT_SECONDS):
            self._report()
