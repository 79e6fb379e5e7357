"""Refusal of query parameters that a route does not declare, for all routes at once."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.problems.pointers import escaped
from api.problems.request_errors import InvalidQuery, Violation

_LISTS: Final = (list, tuple, set, frozenset, Sequence)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredQuery:
    """What a route says of its query.

    Attributes:
        names: of its parameters.
        repeated: of those that may be given again.
        prefix: what the names of further ones begin with; None where there are none.
    """

    names: frozenset[str]
    repeated: frozenset[str]
    prefix: str | None

    def violations(self, given: Sequence[str]) -> Iterator[Violation]:
        """What is wrong with the names of the parameters that were given."""
        for name, times in Counter(given).items():
            if name not in self.names and not (self.prefix and name.startswith(self.prefix)):
                yield Violation(parameter=escaped(name), detail="there is no such parameter here")
            elif times > 1 and name not in self.repeated:
                yield Violation(parameter=escaped(name), detail="give it once")


_DECLARED: Final[dict[Callable[..., Any], DeclaredQuery]] = {}


async def require_known_query(request: Request) -> None:
    """Return if the route declares every parameter of the query; a dependency of the whole application.

    Raises:
        InvalidQuery: it does not, or one that has a single value is repeated.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    request.state.route = route.path
    if not request.scope["query_string"]:
        return
    declared = _DECLARED.get(route.endpoint) or _DECLARED.setdefault(route.endpoint, declared_query(route.dependant))
    given = [name for name, _ in request.query_params.multi_items()]
    if violations := tuple(declared.violations(given)):
        raise InvalidQuery("The query cannot be understood.", violations=violations)


def declared_query(dependant: Dependant) -> DeclaredQuery:
    """The query of a route and of all that it depends on."""
    names: set[str] = set()
    repeated: set[str] = set()
    prefix: str | None = None
    for name, annotation in _parameters(dependant):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
            prefix = prefix or getattr(annotation, "PREFIX", None)
        else:
            fields = {name: annotation}
        names |= fields.keys()
        repeated |= {name for name, each in fields.items() if _is_list(each)}
    return DeclaredQuery(names=frozenset(names), repeated=frozenset(repeated), prefix=prefix)


def _parameters(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    for field in dependant.query_params:
        yield field.alias, field.field_info.annotation
    for dependency in dependant.dependencies:
        yield from _parameters(dependency)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in _LISTS or any(_is_list(each) for each in get_args(annotation))
