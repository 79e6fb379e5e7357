"""A place in a path: the number of a run in its grid, or of a problem."""

from typing import Annotated

from pydantic import WithJsonSchema

from api.problems.request_errors import NothingHere

Position = Annotated[str, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 99_999_999_999})]
"""A number in a path as it was written: one spelling of a number is an address, others are none."""


def position(text: str, total: int, *, of: str) -> int:
    """The number that the text is, one of 0 … total − 1.

    Raises:
        NothingHere: it is none of these, or no number.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and str(int(text)) == text and int(text) < total):
        raise NothingHere(f"The {of} of this experiment are 0 to {total - 1}.")
    return int(text)
