"""Ids cut short: an experiment may be named by the first digits of its id."""

import re
from typing import Final

from api.problems.request_errors import AmbiguousId, IdTooShort, Violation
from jobs.errors import ExperimentNotFound
from jobs.ports import Store

LEAST_DIGITS: Final = 8

MOST_CANDIDATES: Final = 10

_CUT_SHORT: Final = re.compile(r"[0-9A-Fa-f]{8,31}", re.ASCII)
_TOO_SHORT: Final = re.compile(r"[0-9A-Fa-f]{1,7}", re.ASCII)


def require_enough(text: str) -> None:
    """Return unless this is the beginning of an id, and too little of it.

    Raises:
        IdTooShort: it is.
    """
    if _TOO_SHORT.fullmatch(text):
        digits = f"{len(text)} digit{'s' * (len(text) > 1)}"
        raise IdTooShort(f"An id may be cut short to {LEAST_DIGITS} digits, and {text} has {digits}: give more of it.")


def is_cut_short(text: str) -> bool:
    """Whether this may be the beginning of an id, and is no whole one."""
    return _CUT_SHORT.fullmatch(text) is not None


def whole_id(beginning: str, store: Store, *, owner: str | None = None) -> str:
    """The id that begins so, in small letters, of the experiments of one owner, or of all.

    Raises:
        ExperimentNotFound: none does.
        AmbiguousId: several do; some of them are named.
    """
    found = store.ids(beginning, most=MOST_CANDIDATES, owner=owner)
    if not found:
        raise ExperimentNotFound(beginning)
    if len(found) > 1:
        candidates = tuple(Violation(parameter="experiment_id", detail=each) for each in found)
        raise AmbiguousId("Several experiments have ids that begin so; give more digits.", violations=candidates)
    return found[0]
