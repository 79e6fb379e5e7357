"""The query of the list of experiments."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BeforeValidator, Field

from api.requests.paging import Cursor, Limit, PageQuery
from core.presets import PRESETS
from jobs.ports import MOST_TAGS
from jobs.records import Filters
from jobs.states import ExperimentStatus

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _rfc_3339(given: Any) -> Any:
    if not (isinstance(given, str) and _TIME.fullmatch(given)):
        raise ValueError("a time as in RFC 3339 is wanted, 2026-01-31T12:00:00Z; a + is written as %2B")
    return given


def _known_preset(given: Any) -> Any:
    if given not in PRESETS:
        raise ValueError(f"there is no such preset; there are {', '.join(PRESETS)}")
    return given


Time = Annotated[AwareDatetime, BeforeValidator(_rfc_3339)]
_Tag = Annotated[str, Field(max_length=80)]


class ExperimentQuery(PageQuery):
    """The query of the list of experiments: all given filters must hold."""

    limit: Limit = 50
    cursor: Cursor = None
    status: Annotated[
        list[ExperimentStatus], Field(default_factory=list, max_length=20, description="One of them; may be repeated.")
    ]
    tag: Annotated[
        list[_Tag], Field(default_factory=list, max_length=MOST_TAGS, description="All of them; may be repeated.")
    ]
    name: Annotated[str, Field(max_length=200, description="A part of the name, in letters of either case.")] = ""
    since: Annotated[Time | None, Field(description="Submitted then or later, RFC 3339.")] = None
    until: Annotated[Time | None, Field(description="Submitted before, RFC 3339.")] = None
    preset: Annotated[
        str | None,
        BeforeValidator(_known_preset),
        Field(
            json_schema_extra={"enum": list(PRESETS)},
            description="Submitted from this preset: it has the tag that its specs have, which is its name.",
        ),
    ] = None

    @property
    def filters(self) -> Filters:
        """What is asked for."""
        times: dict[str, Any] = {name: given.timestamp() for name, given in self._times().items() if given is not None}
        preset = () if self.preset is None else (self.preset,)
        return Filters(statuses=tuple(self.status), tags=(*self.tag, *preset), name=self.name, **times)

    def _times(self) -> dict[str, datetime | None]:
        return {"since": self.since, "until": self.until}
