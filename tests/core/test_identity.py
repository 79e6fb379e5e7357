"""Content identity."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.identity import canonical_json, canonical_object, content_hash, is_integral, rounded

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.dictionaries(
    st.text(max_size=5), st.one_of(NUMBERS, st.integers(), st.text(max_size=5), st.none(), st.booleans()), max_size=6
)


@settings(deadline=None)
@given(NUMBERS)
def test_rounding_twice_is_rounding_once(value: float) -> None:
    """Rounded values are fixed points, so a grid read back from its document is the same grid."""
    assert rounded(rounded(value)) == rounded(value)


@settings(deadline=None)
@given(st.floats(min_value=1e-300, max_value=1e300))
def test_rounding_keeps_twelve_digits(value: float) -> None:
    """The relative change is at most half a unit of the twelfth digit."""
    assert math.isclose(rounded(value), value, rel_tol=5.001e-12)


def test_rounding_makes_equal_what_arithmetic_left_apart() -> None:
    """0.1 + 0.2 is not 0.3 in binary, and minus zero is spelled differently from zero."""
    assert rounded(0.1 + 0.2) == 0.3
    assert math.copysign(1.0, rounded(-0.0)) == 1.0


@settings(deadline=None)
@given(DOCUMENTS)
def test_the_order_of_keys_does_not_matter(document: dict[str, object]) -> None:
    """A document is a set of fields."""
    backwards = dict(reversed(list(document.items())))
    assert canonical_json(document) == canonical_json(backwards)
    assert content_hash(document) == content_hash(backwards)


@settings(deadline=None)
@given(DOCUMENTS)
def test_canonical_json_reads_back_as_the_document(document: dict[str, object]) -> None:
    """Nothing is lost in the canonical spelling, and it is ASCII."""
    assert json.loads(canonical_json(document).decode("ascii")) == document


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_cannot_say_are_refused(value: float) -> None:
    """Python would write NaN, which other languages cannot read."""
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"value": value})


@given(st.dictionaries(st.sampled_from(["b", "a", "data", "é"]), st.dictionaries(st.text(max_size=3), st.integers())))
def test_an_object_is_spelled_from_its_members(members: dict[str, dict[str, int]]) -> None:
    """The same bytes as when it is spelled as a whole."""
    spelled = {name: canonical_json(member) for name, member in members.items() if name.isascii()}
    assert canonical_object(spelled) == canonical_json({name: members[name] for name in spelled})


def test_the_hash_is_sha256_of_the_canonical_json() -> None:
    """The SHA-256 of the two bytes {} as any other tool computes it."""
    assert content_hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize(("value", "whole"), [(5.0, True), (5.5, False), (math.inf, False), (math.nan, False)])
def test_whole_numbers_are_recognised(value: float, *, whole: bool) -> None:
    """Infinity is no whole number."""
    assert is_integral(value) is whole
