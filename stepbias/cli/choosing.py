"""`--where`: which runs are meant, as conditions on their axes and results."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from click import BadParameter

from stepbias.cli.output import remark
from stepbias.errors import StepbiasError
from stepbias.progress import runs

Holds = Callable[[Any, Any], bool]

OPERATORS: Final[Mapping[str, Holds]] = MappingProxyType(
    {
        "<=": operator.le,
        ">=": operator.ge,
        "!=": operator.ne,
        "==": operator.eq,
        "=": operator.eq,
        "<": operator.lt,
        ">": operator.gt,
    }
)

EQUALITIES: Final = frozenset({"=", "==", "!="})
"""What can be said of words."""

_CONDITION: Final = re.compile(r"\s*(\w+)\s*(<=|>=|!=|==|=|<|>)\s*(\S+)\s*", re.ASCII)


class Condition(NamedTuple):
    """One of a run: a name of an axis or a result, an operator, and a number or a word."""

    name: str
    relation: str
    value: float | str

    def __str__(self) -> str:
        """As it is written."""
        value = self.value if isinstance(self.value, str) else repr(self.value).removesuffix(".0")
        return f"{self.name}{self.relation}{value}"

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether it does, of a run that is a flat document; what is missing holds for none.

        Raises:
            StepbiasError: runs have nothing of this name, or words are said to be in order.
        """
        if self.name not in row:
            near = ", ".join(get_close_matches(self.name, row, cutoff=0.5)) or ", ".join(list(row)[:6])
            raise StepbiasError(f"--where {self.name}: runs have no such axis or result; they have {near}, and others")
        found = row[self.name]
        if found is None:
            return False
        if isinstance(found, str) != isinstance(self.value, str):
            wanted = "word" if isinstance(found, str) else "number"
            raise StepbiasError(f"--where {self}: it is a {wanted}, such as {found}")
        if isinstance(found, str) and self.relation not in EQUALITIES:
            raise StepbiasError(f"--where {self}: it is a word, such as {found}, and words are equal or not")
        return bool(OPERATORS[self.relation](found, self.value))


def conditions(given: Iterable[str]) -> list[Condition]:
    """Those of `step_size<0.1 and depth=2`, and of further ones.

    Raises:
        BadParameter: one is none.
    """
    return [_condition(part) for text in given for part in re.split(r"\s+and\s+|,", text)]


def _condition(text: str) -> Condition:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise BadParameter(
            f'{text!r} is no condition: it should look like "step_size<0.1 and depth=2"', param_hint="--where"
        )
    name, relation, value = found.groups()
    try:
        number = float(value)
    except ValueError:
        return Condition(name, relation, value.strip("'\""))
    if math.isnan(number):
        raise BadParameter(f"{text!r} holds for no run: nothing is equal to {value}", param_hint="--where")
    return Condition(name, relation, number)


def chosen(rows: Iterable[Mapping[str, Any]], wanted: Sequence[Condition]) -> list[Mapping[str, Any]]:
    """The runs of which all of it holds; where there is none, stderr says so.

    Raises:
        StepbiasError: as `Condition.holds` says.
    """
    known = list(rows)
    found = [row for row in known if all(condition.holds(row) for condition in wanted)]
    if wanted and not found:
        remark(f"--where {' and '.join(map(str, wanted))}: it holds for none of {runs(len(known))} that are stored")
    return found
