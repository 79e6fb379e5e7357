"""Cursors: where a page of a list begins, as text that users hand back."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.cursor import decode_cursor, encode_cursor
from jobs.errors import InvalidCursor


@given(number=st.integers(0, 10**15 - 1))
def test_a_cursor_leads_back_to_its_number(number: int) -> None:
    """And is safe in a URL."""
    cursor = encode_cursor(number)
    assert decode_cursor(cursor) == number
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(text=st.text())
def test_text_is_a_cursor_only_if_this_service_made_it(text: str) -> None:
    """Everything else is refused in the same way."""
    try:
        number = decode_cursor(text)
    except InvalidCursor:
        return
    assert decode_cursor(encode_cursor(number)) == number
