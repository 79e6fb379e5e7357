"""The summaries of an experiment, of which none that was counted is passed over in silence."""

from collections.abc import Sequence

from jobs.errors import ResultsMissing
from jobs.ports import ResultStore


def counted_summaries(
    store: ResultStore, experiment_id: str, window: range, *, whole_before: int
) -> Sequence[bytes | None]:
    """The summaries of the runs of the window, None where one is not stored yet.

    `whole_before`: all runs of a smaller index were counted as stored when the reading began.

    Raises:
        ResultsMissing: one of those is not there; it is counted no longer.
    """
    found = store.summaries(experiment_id, window.start, window.stop)
    if any(summary is None for summary in found[: max(whole_before - window.start, 0)]):
        raise ResultsMissing
    return found
