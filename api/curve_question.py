"""Which curves are asked for: the query of `/curves`, and what is chosen for an experiment where it is silent."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from api.ijson import escaped
from api.refusals import Fault, InvalidQuery
from core.results.curves import Inclusion, telling_quantity
from core.results.result import Summary
from core.sweep.grid import STEP_SIZE_FRACTION, Grid

_FIXED: Final = "where."
_PREFERRED_X: Final = ("init_scale", "step_size", STEP_SIZE_FRACTION)

_Name = Annotated[str | None, Field(max_length=100)]


class CurveQuery(BaseModel):
    """The query of curves. `where.<axis>=<value>` fixes an axis that is none of x, series and over."""

    model_config = ConfigDict(frozen=True, extra="allow")

    x: Annotated[_Name, Field(description="The axis to draw against; by default the initialisation scale.")] = None
    y: Annotated[_Name, Field(description="The result to draw; by default the risk, or the ℓ1 norm.")] = None
    series: Annotated[_Name, Field(description="One curve for each of its values; by default the axis left.")] = None
    over: Annotated[_Name, Field(description="Median and quartiles over this axis; by default the data seed.")] = None
    include: Annotated[Inclusion, Field(description="Which runs enter.")] = Inclusion.CONVERGED

    def arguments(self, grid: Grid, summaries: Sequence[Summary | None]) -> dict[str, Any]:
        """The question in full, as the keywords of `core.results.curves`; `summaries` are those of the grid's runs.

        Raises:
            InvalidQuery: a parameter is none of these or no number, or no axis is left to draw against.
        """
        where = dict(self._where())
        over = self.over or "seed"
        free = [axis.name for axis in grid.axes if axis.name not in {self.x, self.series, over, *where}]
        preferred = [name for name in _PREFERRED_X if name in free] or free
        x = self.x or next(iter(preferred), None)
        if x is None:
            raise _wrong("x", "the experiment sweeps nothing else, so there is no axis to draw against")
        left = [axis.name for axis in grid.axes if axis.name in free and axis.name != x and len(axis.values) > 1]
        series = self.series or (left[0] if len(left) == 1 else None)
        y = self.y or telling_quantity(grid.spec.data, summaries)
        return {"x": x, "y": y, "series": series, "over": over, "where": where, "include": self.include}

    def _where(self) -> Iterator[tuple[str, float]]:
        for name, value in (self.model_extra or {}).items():
            if not name.startswith(_FIXED):
                raise _wrong(name, "there is no such parameter here")
            try:
                yield name.removeprefix(_FIXED), float(value)
            except (TypeError, ValueError):
                raise _wrong(name, "a number is wanted") from None


def _wrong(parameter: str, detail: str) -> InvalidQuery:
    fault = Fault(parameter=escaped(parameter), detail=detail)
    return InvalidQuery("The query cannot be understood.", faults=(fault,))
