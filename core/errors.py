"""What can be wrong with a request, as types. A run that diverges is a result, never one of these."""

from collections.abc import Iterable
from typing import Final

CHOICES_SHOWN: Final = 20
"""Most choices that a message lists; an axis may have thousands of values."""


class StepbiasError(Exception):
    """Anything a caller can put right; `message` is the sentence to show them."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidData(StepbiasError):
    """Arrays that are no regression problem: shapes that disagree, emptiness, or numbers that are not finite."""


class NoInterpolator(StepbiasError):
    """No predictor satisfies Xβ = y, so nothing that is said of interpolators applies to this data set."""


class SolverFailure(StepbiasError):
    """An optimisation that has a solution was not solved: the data are too ill-conditioned for float64."""


class InvalidChoice(StepbiasError):
    """The value given for `field` is none of `choices`, or one of them must be given and none was.

    The message never repeats what was given, since it may be shown to others.
    """

    def __init__(self, field: str, choices: Iterable[str | float], reason: str = "") -> None:
        self.field = field
        self.choices = tuple(choices)
        shown = ", ".join(str(choice) for choice in self.choices[:CHOICES_SHOWN])
        more = ", …" if len(self.choices) > CHOICES_SHOWN else ""
        offer = f"; choose from: {shown}{more}" if shown else ""
        super().__init__(f"{reason or f'{field} is none of its choices'}{offer}")
