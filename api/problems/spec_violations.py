"""What is wrong with a spec, said to its author: pydantic's findings as JSON Pointers and plain sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic_core import ErrorDetails

from api.problems.pointers import MOST_VIOLATIONS, escaped
from api.problems.request_errors import Violation
from core.spec.experiment_spec import (
    KINDS,
    ExperimentSpec,
    Recording,
    Stopping,
    Transform,
)
from core.spec.optimizers import EffectiveStepSizes, FractionsOfMaxStable, LargestConvergent, MultiplesOf, StepBracket
from core.spec.swept import NUMBER_TAG, RANGE_TAG, VALUES_TAG, Range, Values

Location = tuple[int | str, ...]

# What stands just before an unknown field in pydantic's location tells which object it was found in.
_OBJECTS: Final[Mapping[int | str, type[BaseModel]]] = MappingProxyType(
    {
        **{kind: model for models in KINDS.values() for kind, model in models.items()},
        "stopping": Stopping,
        "recording": Recording,
        "transform": Transform,
        VALUES_TAG: Values,
        RANGE_TAG: Range,
        "fractions": FractionsOfMaxStable,
        "multiples": MultiplesOf,
        "search": LargestConvergent,
        "effective": EffectiveStepSizes,
        "largest_convergent": StepBracket,
    }
)

_SWEPT: Final = ', or {"values": […]}, or {"start", "stop", "num", "spacing"}'
_STEP_SIZES: Final = (
    ', or {"fractions_of_max_stable": […]}, or {"multiples_of": …, "values": […]}, or {"largest_convergent": {…}}, '
    'or of heavy_ball {"effective_step_sizes": […]}'
)


_OF_ONE_VALUE: Final = frozenset({"int_type", "float_type", "bool_type", "tuple_type", "literal_error", "enum"})

_INSTEAD: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("schedule_at_steps", "schedule_at_fractions"), "sweep schedule_factor, or schedule_steps"),
        "schedule_factors": "sweep schedule_steps beside it, or schedule_factor in its place",
        "mean_profile": "sweep mean, which it multiplies",
        "variance_profile": "sweep variance, which it multiplies",
        "vector": "sweep scale, which it multiplies",
    }
)
"""What is swept in place of what is not."""


def violations(error: ValidationError, document: Any) -> tuple[Violation, ...]:
    """Every finding, in the order of the document's fields; `document` is what was validated, as plain JSON."""
    findings = error.errors(include_url=False, include_input=False)
    return tuple(islice(_each(findings, document), MOST_VIOLATIONS + 1))


def _each(findings: list[ErrorDetails], document: Any) -> Iterator[Violation]:
    inside = {finding["loc"][:length] for finding in findings for length in range(len(finding["loc"]))}
    for finding in findings:
        # An item that failed is missing from its list: "too short" is then a consequence, not a second violation.
        if finding["type"] != "too_short" or finding["loc"] not in inside:
            place = pointer(finding, document)
            detail = sentence(finding) + _not_swept(finding, place, document)
            yield Violation(pointer=place, detail=detail)
            if finding["type"] in {"float_type", "int_type"}:
                yield from (Violation(pointer=each, detail=detail) for each in _likewise(place, document))


def _not_swept(finding: ErrorDetails, place: str, document: Any) -> str:
    """Of a sweep that stands where none may: that it is one, and what is swept instead."""
    if finding["type"] not in _OF_ONE_VALUE or VALUES_TAG in finding["loc"]:
        return ""
    value = _at(place.split("/")[1:], document)
    if not isinstance(value, dict) or not ("values" in value or {"start", "stop"} <= value.keys()):
        return ""
    instead = _INSTEAD.get(place.rpartition("/")[2], "what has another value is an experiment of its own")
    return f", and no sweep: {instead}"


def _at(names: Sequence[str], document: Any) -> Any:
    for name in names:
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def _likewise(place: str, document: Any) -> Iterator[str]:
    """The further items of a list that are no numbers, after the one at which validation stopped."""
    *parents, last = place.split("/")[1:]
    document = _at(parents, document)
    if isinstance(document, list) and not _is_number(document[int(last)]):
        for index in range(int(last) + 1, len(document)):
            if not _is_number(document[index]):
                yield f"{place.removesuffix(last)}{index}"


def _is_number(item: Any) -> bool:
    return type(item) in {int, float}


def pointer(finding: ErrorDetails, document: Any) -> str:
    """The JSON Pointer of a finding.

    Pydantic's location has, between the names and indices of the document, the tags of the unions it passed. A kind
    always stands in second place, the tags of swept numbers where the document has no such member.
    """
    location, place = finding["loc"], ""
    if finding["type"].startswith("union_tag"):
        return f"/{location[0]}/kind"
    for position, item in enumerate(location):
        if position == 1 and location[0] in KINDS:
            continue
        if isinstance(document, dict) and item in document:
            document = document[str(item)]
        elif isinstance(document, list) and isinstance(item, int) and item < len(document):
            document = document[item]
        elif position < len(location) - 1 or finding["type"] != "missing":
            continue
        place += f"/{escaped(str(item))}"
    return place


def sentence(finding: ErrorDetails) -> str:
    """What is wanted in that place, in the words of the documentation."""
    location, context = finding["loc"], finding.get("ctx", {})
    say = _SENTENCES.get(finding["type"])
    return say(location, context) if say else finding["msg"]


def _kind(location: Location, _context: Mapping[str, Any]) -> str:
    return f"a kind is wanted: {', '.join(KINDS[str(location[0])])}"


def _missing(location: Location, _context: Mapping[str, Any]) -> str:
    example = _EXAMPLES.get(str(location[-1]))
    return "this field is required" + (f", such as {example}" if example else "")


def _unknown(location: Location, _context: Mapping[str, Any]) -> str:
    model = _OBJECTS.get(location[-2], ExperimentSpec) if len(location) > 1 else ExperimentSpec
    for field, about in model.model_fields.items():
        if isinstance(about.validation_alias, AliasChoices) and location[-1] in about.validation_alias.choices:
            return f"this is {field} by another name, and may be given once"
    return f"there is no such field; the fields here are {', '.join(model.model_fields)}"


def _number(what: str) -> Callable[[Location, Mapping[str, Any]], str]:
    def say(location: Location, _context: Mapping[str, Any]) -> str:
        forms = _SWEPT if location[-1:] == (NUMBER_TAG,) else ""
        forms += _STEP_SIZES if location[-2:-1] == ("step sizes",) else ""
        return f"{what} is wanted{forms}"

    return say


def _fixed(text: str) -> Callable[[Location, Mapping[str, Any]], str]:
    return lambda _location, context: text.format_map(context)


def _own(_location: Location, context: Mapping[str, Any]) -> str:
    return str(context["error"])


_EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "data": '{"kind": "sparse_regression"}',
        "initialization": '{"kind": "uniform", "scale": 0.1}',
        "optimizer": '{"kind": "gradient_descent", "step_size": 0.01}',
        "X": "[[1, 2, 0.5], [0.5, -1, 2]], a row for each sample",
        "y": "[1, 2], a number for each sample",
        "id": "that of an uploaded data set",
        "scale": "0.1",
        "vector": "[1, 1, 0.5], a number for each column",
        "u_plus": "1, or [1, 1, 0.5], a number for each column",
        "step_size": '0.01, or {"fractions_of_max_stable": [0.5]}',
        "batch_size": "1",
        "noise_variance": "0.1",
        "noise_steps": "1000",
        "momentum": "0.9",
        "rho": "0.1",
        "variance": "0.001",
        "values": "[0.1, 0.2]",
        "start": "0.01",
        "stop": "1",
        "num": "10",
    }
)
"""Of fields that must be given, by their names."""

_SENTENCES: Final[Mapping[str, Callable[[Location, Mapping[str, Any]], str]]] = MappingProxyType(
    {
        "missing": _missing,
        "extra_forbidden": _unknown,
        "union_tag_invalid": _kind,
        "union_tag_not_found": _kind,
        "int_type": _number("a whole number"),
        "int_parsing": _fixed("a whole number is wanted"),
        "int_from_float": _number("a whole number"),
        "float_type": _number("a number"),
        "finite_number": _number("a finite number"),
        "greater_than": _fixed("a number greater than {gt:g} is wanted"),
        "greater_than_equal": _fixed("a number of at least {ge:g} is wanted"),
        "less_than": _fixed("a number less than {lt:.12g} is wanted"),
        "less_than_equal": _fixed("a number of at most {le:.12g} is wanted"),
        "bool_type": _fixed("true or false is wanted"),
        "string_type": _fixed("a string is wanted"),
        "string_too_short": _fixed("{min_length} or more characters are wanted"),
        "string_too_long": _fixed("{max_length} or fewer characters are wanted"),
        "too_short": _fixed("{min_length} or more entries are wanted"),
        "too_long": _fixed("{max_length} or fewer entries are wanted"),
        "tuple_type": _fixed("a list is wanted"),
        "dict_type": _fixed("an object is wanted"),
        "model_type": _fixed("an object is wanted"),
        "literal_error": _fixed("{expected} is wanted"),
        "enum": _fixed("{expected} is wanted"),
        "datetime_from_date_parsing": _fixed("there is no such time"),
        "datetime_parsing": _fixed("there is no such time"),
        "value_error": _own,
    }
)
