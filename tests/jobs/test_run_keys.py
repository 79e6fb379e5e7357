"""Keys of runs, packed into bytes."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.run_keys import packed, unpacked


@given(digests=st.lists(st.binary(min_size=32, max_size=32).filter(any)))
def test_packed_keys_are_unpacked(digests: list[bytes]) -> None:
    """In order, with None where nothing was written."""
    keys = [digest.hex() for digest in digests]
    assert list(unpacked(packed(keys))) == keys
    assert list(unpacked(bytes(32) + packed(keys))) == [None, *keys]
