"""Answers that are sent again as they are."""

from itertools import count

from api.exports.recent_answers import LARGEST, MOST_BYTES, RecentAnswers


def test_an_answer_is_made_once() -> None:
    """For each question; a failure is no answer."""
    recent, made = RecentAnswers(), count()
    answers = [recent.of(question, lambda: b"%d" % next(made)) for question in ("a", "b", "a", ("a", "b"))]
    assert [answer.body for answer in answers] == [b"0", b"1", b"0", b"2"]


def test_no_more_is_kept_than_there_is_room_for() -> None:
    """In bytes; the one that was asked for longest ago goes first."""
    recent = RecentAnswers()
    for question in range(2 * MOST_BYTES // 90_000):
        recent.of(question, lambda: b"0" * 90_000)
    kept = [recent.found(question) for question in range(2 * MOST_BYTES // 90_000)]
    assert kept[0] is None
    assert kept[-1] is not None
    assert sum(each.size for each in kept if each is not None) <= MOST_BYTES


def test_what_is_large_is_made_each_time() -> None:
    """Memory has an end."""
    recent, made = RecentAnswers(), count()
    sizes = [len(recent.of("a", lambda: b"0" * (LARGEST + 1 + next(made))).body) for _ in range(2)]
    assert sizes == [LARGEST + 1, LARGEST + 2]
