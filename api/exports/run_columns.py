"""Some variables of the runs, each as a column: what a picture of many runs is made of."""

from typing import Annotated, Any, Final

from pydantic import Field

from api.requests.paging import InDigits, PageQuery, window
from api.stored.grid import grid_of, summaries
from core.results.variables import COORDINATES, VARIABLES
from core.spec.axes import Axis
from jobs.ports import Store
from jobs.records import Experiment

MOST_VARIABLES: Final = 8
MOST_VALUES: Final = 10_000
"""Of one variable in one answer."""

_NAME: Final = f"^({'|'.join(VARIABLES)})$"
_Name = Annotated[str, Field(json_schema_extra={"enum": list(VARIABLES)}, pattern=_NAME)]


class RunColumnsQuery(PageQuery):
    """The query of columns."""

    variable: Annotated[
        list[_Name],
        Field(
            default_factory=lambda: ["outcome"],
            min_length=1,
            max_length=MOST_VARIABLES,
            description="A result of runs; may be repeated. By default the outcome.",
        ),
    ]
    limit: Annotated[int, Field(ge=1, le=MOST_VALUES, description="Most runs of one page."), InDigits] = MOST_VALUES


def run_columns(experiment: Experiment, query: RunColumnsQuery, store: Store) -> dict[str, Any]:
    """The variables of the runs of a page in the order of the grid, null where a run or its value is not there.

    Raises:
        InvalidQuery: the cursor is none of ours.
        ResultsMissing: a run that is counted is no longer there.
    """
    indices, cursor = window(query, experiment.runs_total)
    known = summaries(experiment.id, indices, store=store)
    return {
        "first": indices.start,
        "axes": [_axis(axis) for axis in grid_of(experiment.id, store=store).axes],
        "columns": {name: [summary and summary.get(name) for summary in known] for name in query.variable},
        "next_cursor": cursor,
    }


def _axis(axis: Axis) -> dict[str, Any]:
    known = COORDINATES[axis.name]
    names = {"name": known.name, "symbol": known.symbol, "label": known.label, "log_scaled": known.log_scaled}
    return names | {"values": list(axis.values)}
