"""Two experiments beside each other: the runs that they share, and how far each result differs."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from stepbias.errors import UnusableValue
from stepbias.results_table import Labelled, columns, is_text

Columns = Mapping[str, Sequence[Any]]

MOST_PAIRS: Final = 1_000_000
"""Of two large sweeps without a common axis each run is like each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How far one quantity differs over the pairs of runs in which both have it.

    Attributes:
        quantity: its name.
        runs: number of these pairs.
        equal: those in which it is the same, to the last bit.
        greatest: the largest |b − a|; None of words, and where there is no pair.
        greatest_relative: the largest |b − a| / max(|a|, |b|).
        pair: the row of `Comparison.pairs` with the largest relative difference; of words the first that differs.
    """

    quantity: str
    runs: int
    equal: int
    greatest: float | None = None
    greatest_relative: float | None = None
    pair: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What two experiments have in common, and what not.

    A run of the one and a run of the other are a pair where their values on all axes that both sweep are equal.

    Attributes:
        first: id of the one.
        second: id of the other.
        axes: that both sweep.
        parameters: fields of the specs that differ, by JSON Pointer (RFC 6901): what each has, None where it has none.
        pairs: the indices of the two runs of each pair.
        only_first: indices of runs that are in no pair.
        only_second: likewise.
        differences: of every quantity that both have, the largest relative difference first.
        values: of every axis and quantity, the columns of both, a row for each pair.
    """

    first: str
    second: str
    axes: tuple[str, ...]
    parameters: Mapping[str, tuple[Any, Any]]
    pairs: tuple[tuple[int, int], ...]
    only_first: tuple[int, ...]
    only_second: tuple[int, ...]
    differences: tuple[Difference, ...]
    values: Mapping[str, tuple[Sequence[Any], Sequence[Any]]]

    @classmethod
    def of(cls, first: tuple[str, Labelled, bytes], second: tuple[str, Labelled, bytes]) -> Self:
        """The comparison of two experiments, each given by its id, its results and its spec.

        Raises:
            UnusableValue: more than `MOST_PAIRS` runs are pairs.
        """
        (one, a_results, a_spec), (other, b_results, b_spec) = first, second
        a, b = columns(a_results), columns(b_results)
        axes = [name for name in a_results["dims"] if name in b_results["dims"]]
        pairs = _pairs([a[name] for name in axes], [b[name] for name in axes], len(_any(a)), len(_any(b)))
        quantities = [name for name in a_results["data_vars"] if name in b_results["data_vars"]]
        values = {name: _paired(a[name], b[name], pairs) for name in (*axes, *quantities)}
        found = [_difference(name, *values[name]) for name in quantities]
        return cls(
            first=one,
            second=other,
            axes=tuple(axes),
            parameters=_differing(json.loads(a_spec), json.loads(b_spec)),
            pairs=tuple(pairs),
            only_first=_missing(len(_any(a)), [pair[0] for pair in pairs]),
            only_second=_missing(len(_any(b)), [pair[1] for pair in pairs]),
            differences=tuple(sorted(found, key=lambda each: -(each.greatest_relative or 0.0))),
            values=values,
        )

    def to_document(self) -> dict[str, Any]:
        """All but the values, in plain dicts and lists."""
        differences = [{name: getattr(each, name) for name in Difference.__slots__} for each in self.differences]
        given = {name: getattr(self, name) for name in ("first", "second", "axes", "only_first", "only_second")}
        return given | {
            "parameters": {name: list(both) for name, both in self.parameters.items()},
            "pairs": [list(pair) for pair in self.pairs],
            "differences": differences,
        }

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with a row for each pair: the axes, then each quantity of both, and its difference.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        import pandas as pd  # noqa: PLC0415 - the client needs it for nothing else

        table: dict[str, Any] = {name: [pair[place] for pair in self.pairs] for place, name in enumerate(_INDICES)}
        table |= {name: self.values[name][0] for name in self.axes}
        for quantity in self.values.keys() - set(self.axes):
            a, b = self.values[quantity]
            table |= {f"{quantity}_first": a, f"{quantity}_second": b}
            if not (is_text(a) or is_text(b)):
                table[f"{quantity}_difference"] = [y - x for x, y in zip(a, b, strict=True)]
        return pd.DataFrame(table)


_INDICES = ("first_index", "second_index")


def _any(table: Columns) -> Sequence[Any]:
    return next(iter(table.values()))


def _pairs(a: Sequence[Sequence[Any]], b: Sequence[Sequence[Any]], a_count: int, b_count: int) -> list[tuple[int, int]]:
    """Indices of runs with the same values on the axes that both have; without any, each run with each."""
    known: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for index in range(b_count):
        known[tuple(column[index] for column in b)].append(index)
    count = sum(len(known.get(tuple(column[index] for column in a), ())) for index in range(a_count))
    if count > MOST_PAIRS:
        raise UnusableValue("", f"{count} pairs of runs are alike, and at most {MOST_PAIRS} compared: sweep more alike")
    return [(index, other) for index in range(a_count) for other in known[tuple(column[index] for column in a)]]


def _paired(a: Sequence[Any], b: Sequence[Any], pairs: Sequence[tuple[int, int]]) -> tuple[list[Any], list[Any]]:
    return [a[one] for one, _ in pairs], [b[other] for _, other in pairs]


def _missing(count: int, paired: Sequence[int]) -> tuple[int, ...]:
    found = set(paired)
    return tuple(index for index in range(count) if index not in found)


def _difference(quantity: str, a: Sequence[Any], b: Sequence[Any]) -> Difference:
    both = [(place, *pair) for place, pair in enumerate(zip(a, b, strict=True)) if not any(map(_is_missing, pair))]
    equal = sum(x == y for _, x, y in both)
    if any(isinstance(x, str) for _, x, _ in both):
        pair = next((place for place, x, y in both if x != y), None)
        return Difference(quantity=quantity, runs=len(both), equal=equal, pair=pair)
    if not both:
        return Difference(quantity=quantity, runs=0, equal=0)
    relative = {place: abs(y - x) / (max(abs(x), abs(y)) or 1.0) for place, x, y in both}
    pair = max(relative, key=lambda place: relative[place])
    greatest = max(float(abs(y - x)) for _, x, y in both)
    return Difference(
        quantity=quantity,
        runs=len(both),
        equal=equal,
        greatest=greatest,
        greatest_relative=relative[pair],
        pair=pair if relative[pair] else None,
    )


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _differing(a: Any, b: Any) -> dict[str, tuple[Any, Any]]:
    """Fields of two documents that differ."""
    one, other = dict(_leaves(a)), dict(_leaves(b))
    named = {pointer: (one.get(pointer), other.get(pointer)) for pointer in one | other}
    return {pointer: both for pointer, both in named.items() if both[0] != both[1]}


def _leaves(document: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(document, Mapping) and document:
        for name, value in document.items():
            yield from _leaves(value, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    else:
        yield pointer, document
