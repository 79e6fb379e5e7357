"""Pages of what is stored of several runs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.run_pages import packed_page, unpacked_page


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.binary(min_size=7, max_size=7)), max_size=12))
def test_a_page_reads_back_as_it_was(values: list[bytes]) -> None:
    """Values of any lengths, in their order."""
    assert unpacked_page(packed_page(values)) == values


def test_what_many_have_in_common_is_there_once() -> None:
    """A hundred values that differ in two bytes of a thousand take less than an eighth of what they take alone."""
    common = bytes(range(250)) * 4
    values = [common + number.to_bytes(2, "little") for number in range(100)]
    assert 8 * len(packed_page(values)) < sum(len(packed_page([value])) for value in values)
