"""What is kept within so many bytes."""

from core.kept_within import ENTRY_BYTES, KeptWithin


def test_the_one_that_was_asked_for_longest_ago_goes_first() -> None:
    """What a page asks for again and again stays."""
    kept = KeptWithin[str](most=2 * (ENTRY_BYTES + 10), largest=10)
    kept.keep("a", "A", 10)
    kept.keep("b", "B", 10)
    assert kept.found("a") == "A"
    kept.keep("c", "C", 1)
    assert [kept.found(each) for each in "abc"] == ["A", None, "C"]


def test_no_more_is_kept_than_there_is_room_for() -> None:
    """However large each is, and however often it is kept anew; what is too large is not kept, nor what it replaces."""
    kept = KeptWithin[int](most=100_000, largest=20_000)
    for number in range(1000):
        kept.keep(number % 70, number, number * 37 % 25_000)
        assert kept.size <= 100_000
    there = [each for each in range(70) if kept.found(each) is not None]
    assert 0 < len(there) * ENTRY_BYTES <= kept.size
    kept.keep("a", 1, 20_000)
    kept.keep("a", 2, 20_001)
    assert kept.found("a") is None
    for each in there:
        kept.keep(each, 0, 20_001)
    assert kept.size == 0
