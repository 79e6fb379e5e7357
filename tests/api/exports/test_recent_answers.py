"""Answers that are sent again as they are."""

from itertools import count

from api.exports.recent_answers import LARGEST, MOST, RecentAnswers


def test_an_answer_is_made_once() -> None:
    """For each question; a failure is no answer."""
    recent, made = RecentAnswers(), count()
    answers = [recent.of(question, lambda: b"%d" % next(made)) for question in ("a", "b", "a", ("a", "b"))]
    assert [answer.body for answer in answers] == [b"0", b"1", b"0", b"2"]


def test_the_one_that_was_asked_for_longest_ago_goes_first() -> None:
    """So that what a page asks for again and again stays."""
    recent, made = RecentAnswers(), count()

    def ask(question: int) -> bytes:
        return recent.of(question, lambda: b"%d" % next(made)).body

    for question in range(MOST):
        ask(question)
    assert ask(0) == b"0"
    ask(MOST)
    assert ask(0) == b"0"
    assert ask(1) == b"%d" % (MOST + 1)


def test_what_is_large_is_made_each_time() -> None:
    """Memory has an end."""
    recent, made = RecentAnswers(), count()
    sizes = [len(recent.of("a", lambda: b"0" * (LARGEST + 1 + next(made))).body) for _ in range(2)]
    assert sizes == [LARGEST + 1, LARGEST + 2]
