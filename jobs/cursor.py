"""Page cursors: where the next page begins, in a form that nobody is tempted to take apart."""

import base64
import binascii

from jobs.errors import InvalidCursor

_MARK = b"after:"


def encode_cursor(number: int) -> str:
    """The cursor of the page that begins with the newest experiment older than experiment `number`."""
    return base64.urlsafe_b64encode(_MARK + str(number).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    """The number inside a cursor.

    Raises:
        InvalidCursor: it is not one that `encode_cursor` made.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor("the cursor is not one that this service gave out") from error
    digits = text.removeprefix(_MARK)
    if digits == text or not digits.isdigit() or len(digits) > 15:
        raise InvalidCursor("the cursor is not one that this service gave out")
    return int(digits)
