"""How much one owner may have in the store."""

from collections.abc import Iterator

from api.keys.asker import Asker
from api.problems.request_errors import OverQuota, TooManyActive
from core.identity import NUMERICS_VERSION
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from jobs.ports import Store
from jobs.records import Experiment, Filters
from jobs.settings import Settings
from jobs.states import ACTIVE, ExperimentStatus

_PAGE = 500


def require_quota(spec: ExperimentSpec, asker: Asker | None, *, store: Store, settings: Settings) -> None:
    """Return if the owner may submit the spec; one that is there already takes up nothing.

    What is submitted at the same moment is not seen, so a quota may be passed by as much.

    Raises:
        TooManyActive: as many of the owner's experiments as may have not ended.
        OverQuota: the grids of all of them would have too many runs.
    """
    most_active, most_runs = settings.max_active_of_owner, settings.max_runs_of_owner
    if asker is None or most_active is most_runs is None:
        return
    identity = spec.content_hash(), spec.name, NUMERICS_VERSION, asker.pools
    active, runs = 0, len(Grid(spec))
    for each in _experiments(store, asker.owner):
        if _identity(each) == identity and each.status in _ANSWERS:
            return
        active += each.status in ACTIVE
        runs += each.runs_total
    if most_active is not None and active >= most_active:
        reason = f"{active} of your experiments have not ended; at most {most_active} are taken at a time."
        raise TooManyActive(reason, headers={"Retry-After": "10"})
    if most_runs is not None and runs > most_runs:
        raise OverQuota(
            f"Your experiments would have {runs} runs; at most {most_runs} are kept of one owner: delete some of them."
        )


_ANSWERS = ACTIVE | {ExperimentStatus.SUCCEEDED}


def _identity(experiment: Experiment) -> tuple[str, str, str, bool]:
    """What the store tells the experiments of one owner apart by."""
    return experiment.content_hash, experiment.name, experiment.numerics, experiment.ownership.is_pooled


def _experiments(store: Store, owner: str) -> Iterator[Experiment]:
    cursor: str | None = None
    while True:
        page = store.experiments(Filters(owner=owner), limit=_PAGE, cursor=cursor)
        yield from page.experiments
        if (cursor := page.next_cursor) is None:
            return
