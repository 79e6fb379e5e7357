"""A question put to results that has a fixed set of answers, asked with another one or with none."""

from collections.abc import Iterable
from typing import Final

from core.errors import StepbiasError

SHOWN: Final = 20
"""Most choices that a message lists; an axis may have thousands of values."""


class InvalidChoice(StepbiasError):
    """The value given for `field` is none of `choices`, or one of them must be given and none was.

    The message never repeats what was given, since it may be shown to others.
    """

    def __init__(self, field: str, choices: Iterable[str | float], reason: str = "") -> None:
        self.field = field
        self.choices = tuple(choices)
        shown = ", ".join(str(choice) for choice in self.choices[:SHOWN])
        more = ", …" if len(self.choices) > SHOWN else ""
        super().__init__(f"{reason or f'{field} is none of its choices'}; choose from: {shown or 'nothing'}{more}")
