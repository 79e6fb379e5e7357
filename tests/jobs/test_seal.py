"""Seals: what was written is read, and everything else is found out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.seal import SEAL_BYTES, BrokenSeal, opened, sealed


@given(name=st.text(), value=st.binary(max_size=200))
def test_what_was_sealed_is_opened(name: str, value: bytes) -> None:
    """Whatever it is called, and empty values as well."""
    stored = sealed(name, value)
    assert len(stored) == SEAL_BYTES + len(value)
    assert opened(name, stored) == value


@pytest.mark.parametrize("value", [b"", b"\x00", b"the summary of a run" * 20])
def test_every_flipped_bit_is_found(value: bytes) -> None:
    """In the seal and in the value."""
    stored = sealed("run", value)
    for place in range(len(stored)):
        for bit in range(8):
            damaged = stored[:place] + bytes([stored[place] ^ 1 << bit]) + stored[place + 1 :]
            with pytest.raises(BrokenSeal) as refusal:
                opened("run", damaged)
            assert refusal.value.name == "run"


@given(value=st.binary(max_size=50), other=st.binary(max_size=50))
def test_what_is_cut_off_torn_or_lengthened_is_found(value: bytes, other: bytes) -> None:
    """A write that came through in part, or over another."""
    stored = sealed("run", value)
    for torn in (stored[:-1], stored + b"\0", stored[:SEAL_BYTES] + other, stored + other, b"", other):
        if torn != stored:
            with pytest.raises(BrokenSeal):
                opened("run", torn)


@given(value=st.binary(max_size=50), one=st.text(), other=st.text())
def test_a_value_under_another_name_is_found(value: bytes, one: str, other: str) -> None:
    """Though it is sound in itself."""
    if one != other:
        with pytest.raises(BrokenSeal):
            opened(other, sealed(one, value))


def test_the_name_is_told_from_the_value() -> None:
    """A piece that moves from the end of the name to the beginning of the value changes the seal."""
    assert sealed("ab", b"c")[:SEAL_BYTES] != sealed("a", b"bc")[:SEAL_BYTES]


def test_what_is_stored_now_can_be_opened_later() -> None:
    """A seal computed by hand once: another digest would make everything that is stored look damaged."""
    assert sealed("summary of run 1", b"x").hex() == "7e4b76de423a921f78"
