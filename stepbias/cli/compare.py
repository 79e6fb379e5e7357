"""`stepbias compare`: two experiments of a service beside each other."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from stepbias.cli.options import Service
from stepbias.cli.output import table_lines, tell, tell_json
from stepbias.cli.submit import connected
from stepbias.comparison import Comparison, Difference
from stepbias.errors import StepbiasError
from stepbias.progress import runs


def compare(first: str, second: str, quantities: Sequence[str], *, service: Service, as_json: bool) -> int:
    """What they have in common, what their specs differ in, and how far each quantity differs."""
    with connected(service) as client:
        found = client.experiment(first).compare(client.experiment(second))
        require_known(quantities, [each.quantity for each in found.differences])
    chosen = [each for each in found.differences if not quantities or each.quantity in quantities]
    if as_json:
        document = found.to_document()
        shown = {each.quantity for each in chosen}
        document["differences"] = [each for each in document["differences"] if each["quantity"] in shown]
        tell_json(document)
    else:
        for line in _page(found, chosen):
            tell(line)
    return 0


def require_known(asked: Sequence[str], known: Sequence[str]) -> None:
    """Return if there are quantities of these names.

    Raises:
        StepbiasError: there is none.
    """
    for name in set(asked) - set(known):
        near = ", ".join(get_close_matches(name, known, cutoff=0.5)) or ", ".join(sorted(known))
        raise StepbiasError(f"--quantity {name}: both experiments have no such result; they have {near}")


def _page(found: Comparison, chosen: Sequence[Difference]) -> Iterator[str]:
    yield f"{found.first}  and  {found.second}"
    yield f"{runs(len(found.pairs))} in common, by {', '.join(found.axes) or 'nothing that both sweep'}"
    yield f"only in the first {len(found.only_first)}, only in the second {len(found.only_second)}"
    for pointer, (one, other) in found.parameters.items():
        yield f"{pointer}: {one} and {other}"
    if chosen:
        header = ("quantity", "runs", "equal", "greatest difference", "relative", "runs of it")
        yield from ("", *table_lines(header, (_cells(each, found) for each in chosen)))


def _cells(each: Difference, found: Comparison) -> tuple[object, ...]:
    place = "" if each.pair is None else "{} and {}".format(*found.pairs[each.pair])
    return each.quantity, each.runs, each.equal, _number(each.greatest), _number(each.greatest_relative), place


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
