"""What can go wrong between a script and the service, as types."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self

from stepbias.experiment import Experiment

TEMPORARY: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers that say "later"."""

STILL_ANSWERING: Final = "urn:stepbias:problem:still-answering"
"""What is said where the same request was sent before, and is not answered yet."""


class StepbiasError(Exception):
    """Anything that this package raises on purpose; its text is one readable sentence, or a few lines."""

    def __reduce__(self) -> tuple[Any, ...]:
        """By what it holds, not by what it was made from: it may come from another process."""
        return _revived, (type(self), self.args, dict(self.__dict__))


def _revived(kind: type[StepbiasError], arguments: tuple[Any, ...], attributes: Mapping[str, Any]) -> StepbiasError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(attributes)
    return error


class UnusableValue(StepbiasError, ValueError):
    """Something that cannot be sent; `pointer` is the JSON Pointer (RFC 6901) to it, empty for the document itself."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or '(the document)'}: {detail}")
        self.pointer = pointer


class UnusableEnvironment(StepbiasError):
    """What the environment says of proxies or certificates cannot be used; the text names the variable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One thing that is wrong with a request.

    Attributes:
        detail: what is wrong, or wanted.
        pointer: JSON Pointer (RFC 6901) to the place in the document that was sent; empty for the document itself.
        parameter: the query parameter at fault, where it is one.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def __str__(self) -> str:
        return f"{self.pointer or self.parameter or '(the document)'}: {self.detail}"


class ProblemError(StepbiasError):
    """The service refused a request and says why (RFC 9457).

    Attributes:
        status: HTTP status code.
        title: what kind of problem it is.
        detail: what is wrong this time; may be empty.
        errors: the fields at fault, where fields are at fault.
        kind: the `type` of the problem document, for programs; empty where it was not the service that answered.
    """

    def __init__(
        self, *, status: int, title: str, detail: str = "", errors: Sequence[FieldError] = (), kind: str = ""
    ) -> None:
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        headline = f"{title} ({status}): {detail}" if detail else f"{title} ({status})"
        super().__init__("\n".join([headline, *(f"  {error}" for error in self.errors)]))

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may be answered later: the service, or a proxy before it, is busy or restarting."""
        return self.status in TEMPORARY or self.kind == STILL_ANSWERING

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, status: int, title: str) -> Self:
        """The problem of a problem document; `status` and `title` stand in for what it leaves out."""
        return cls(
            status=status,
            title=str(document.get("title") or title),
            kind=str(document.get("type") or ""),
            detail=str(document.get("detail") or ""),
            errors=_field_errors(document.get("errors")),
        )


def _field_errors(listed: Any) -> list[FieldError]:
    """Those of the service; what stands between us and it may list them in a form of its own."""
    errors = listed if isinstance(listed, list) else [listed] if listed else []
    return [
        FieldError(detail=str(error.get("detail", "")), pointer=error.get("pointer"), parameter=error.get("parameter"))
        if isinstance(error, dict) and "detail" in error
        else FieldError(detail=error if isinstance(error, str) else json.dumps(error))
        for error in errors
    ]


class AuthenticationError(ProblemError):
    """The service wants a key (401): none was sent, or it is not known there, or has expired."""


class NotAllowed(ProblemError):
    """The service does not let the holder of this key do this (403)."""


class ServiceUnreachable(StepbiasError):
    """Nothing at the address answered as the service does, for as long as the client's patience lasted."""


class ExperimentFailed(StepbiasError):
    """The experiment ended without all of its results; `experiment` is its record, with `error` and `jobs_dead`."""

    def __init__(self, experiment: Experiment) -> None:
        reason = f": {experiment.error}" if experiment.error else ""
        super().__init__(
            f"experiment {experiment.id} {_ENDINGS[experiment.status]} with {experiment.runs_done} of "
            f"{experiment.runs_total} runs done{reason}"
        )
        self.experiment = experiment


_ENDINGS = {"failed": "failed", "cancelled": "was cancelled"}


class WaitTimeout(StepbiasError):
    """The experiment was not finished in the time given. It goes on; `experiment` is what was last known of it."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(
            f"experiment {experiment.id} is still {experiment.status}, with {experiment.runs_done} of "
            f"{experiment.runs_total} runs done"
        )
        self.experiment = experiment
