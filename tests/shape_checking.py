"""A pytest plugin that holds every call in core to its annotations, the shapes of arrays among them."""

from collections.abc import Callable, Iterator
from typing import Any, Self, get_args

from beartype import BeartypeConf, FrozenDict, beartype
from jaxtyping import install_import_hook

install_import_hook("core", f"{__name__}.checked")


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its arguments and its result checked at every call.

    jaxtyping asks for two checks: of the arguments before a call, and once more with the result, which alone is left.
    Left to mypy: protocols, of which Python can only ask whether the names are there, and calls properties for that;
    and `Self`, which beartype knows in classes that it decorates whole, while jaxtyping decorates each method.
    """
    if (result := function.__annotations__.get("return", Any)) is not Any:
        function.__annotations__ = {"return": result}
    parts = (part for hint in function.__annotations__.values() for part in _parts(hint))
    left = FrozenDict({part: object for part in parts if part is Self or getattr(part, "_is_protocol", False)})
    return beartype(conf=BeartypeConf(hint_overrides=left, is_pep484_tower=True))(function)


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for part in get_args(hint):
        yield from _parts(part)
