"""No regular expression of the product takes time that grows faster than what it reads."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations
from pathlib import Path
from re import _constants as constants  # type: ignore[attr-defined]  # what the standard library parses patterns into
from re import _parser as parser  # type: ignore[attr-defined]  # likewise
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "jobs", "worker", "api", "stepbias")
CHARACTERS = frozenset(map(chr, range(256)))
MATCHES = {
    constants.CATEGORY_DIGIT: str.isdigit,
    constants.CATEGORY_SPACE: str.isspace,
    constants.CATEGORY_WORD: lambda character: character.isalnum() or character == "_",
    constants.CATEGORY_NOT_SPACE: lambda character: not character.isspace(),
    constants.CATEGORY_NOT_WORD: lambda character: not (character.isalnum() or character == "_"),
}


@dataclass(frozen=True)
class Piece:
    """What a pattern reads in one place: which characters, whether none will do, and whether any number."""

    characters: frozenset[str]
    may_be_empty: bool = False
    is_endless: bool = False


def patterns() -> Iterator[tuple[str, str]]:
    """Every pattern that is given to `re` or as `pattern`, with its place; all are constants."""
    for file in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            given = [keyword.value for keyword in node.keywords if keyword.arg == "pattern"]
            if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "re":
                given += node.args[:1]
            for pattern in given:
                yield f"{file.relative_to(ROOT)}:{node.lineno}", _text_of(pattern, file)


def _text_of(pattern: ast.expr, file: Path) -> str:
    """A constant, as it stands there or by its name."""
    if isinstance(pattern, ast.Name):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        return str(getattr(import_module(module), pattern.id))
    return str(ast.literal_eval(pattern))


def paths(items: Any) -> Iterator[list[Piece]]:
    """Every way through a pattern, as the pieces that follow one another."""
    if not items:
        yield []
        return
    (kind, value), rest = items[0], items[1:]
    for first in ways(kind, value):
        for following in paths(rest):
            yield first + following


def ways(kind: Any, value: Any) -> Iterator[list[Piece]]:
    """Every way through one item."""
    if kind is constants.BRANCH:
        for alternative in value[1]:
            yield from paths(list(alternative))
    elif kind is constants.SUBPATTERN:
        yield from paths(list(value[-1]))
    elif kind in {constants.MAX_REPEAT, constants.MIN_REPEAT}:
        least, most, body = value
        inner = list(paths(list(body)))
        is_endless = most is constants.MAXREPEAT
        assert not (is_endless and any(piece.is_endless for path in inner for piece in path)), "a repeat in a repeat"
        if is_endless or most > 1:
            read = frozenset().union(*(piece.characters for path in inner for piece in path))
            yield [Piece(read, may_be_empty=least == 0, is_endless=is_endless)]
        else:
            yield from inner
            if least == 0:
                yield []
    elif kind is not constants.AT:
        yield [Piece(characters(kind, value))]


def characters(kind: Any, value: Any) -> frozenset[str]:
    """Those that one item reads."""
    if kind is constants.LITERAL:
        return frozenset(chr(value))
    if kind is constants.NOT_LITERAL:
        return CHARACTERS - {chr(value)}
    if kind is constants.RANGE:
        return frozenset(map(chr, range(value[0], value[1] + 1)))
    if kind is constants.CATEGORY:
        return frozenset(filter(MATCHES[value], CHARACTERS))
    if kind is constants.IN:
        negated = value[0][0] is constants.NEGATE
        read = frozenset().union(*(characters(*item) for item in value[negated:]))
        return CHARACTERS - read if negated else read
    assert kind is constants.ANY, kind
    return CHARACTERS


def is_linear(pattern: str) -> bool:
    """Whether nothing can be divided between two repeats in more than one place.

    Of two repeats that read a common character and have nothing between them that must be read, each length of the
    first is tried: the time is quadratic, and with a repeat in a repeat exponential.
    """
    try:
        for path in paths(list(parser.parse(pattern))):
            for first, second in combinations([place for place, piece in enumerate(path) if piece.is_endless], 2):
                between = path[first + 1 : second]
                overlap = path[first].characters & path[second].characters
                if overlap and all(piece.may_be_empty or piece.characters & overlap for piece in between):
                    return False
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(("place", "pattern"), list(patterns()))
def test_every_pattern_is_linear(place: str, pattern: str) -> None:
    """Sixteen thousand digits once kept everybody waiting for seven seconds."""
    assert is_linear(pattern), place


@pytest.mark.parametrize("pattern", [r"\d+\.?\d*", r"(a+)+", r"\s*a?\s*b", r"(x|\w+\d+)y", r"[^,]*;*[^,]*"])
def test_quadratic_patterns_are_told(pattern: str) -> None:
    """Among them the one that read numbers."""
    assert not is_linear(pattern)


@pytest.mark.parametrize("pattern", [r"\d+(?:\.\d*)?", r"[a-z]+,[a-z]+", r"\d{1,3}(,\d{3})+", r"a|b+"])
def test_linear_patterns_are_told(pattern: str) -> None:
    """So the rule is not that nothing may repeat."""
    assert is_linear(pattern)
