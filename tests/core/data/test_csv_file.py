"""Arrays from CSV files."""

import contextlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.csv_file import MOST_VIOLATIONS, NoSuchColumn, csv_arrays
from core.data.user_arrays import OversizedArrays, UnusableArrays, UserArrays

LIMIT = 100
PLAIN = "a,b,y\n1,2,3\n4,5,6\n"


def _read(text: str | bytes, target: str | None = None) -> dict[str, list[object]]:
    body = text if isinstance(text, bytes) else text.encode()
    return {name: array.tolist() for name, array in csv_arrays(body, target=target, limit=LIMIT).items()}


def _sentences(text: str | bytes) -> list[str]:
    with pytest.raises(UnusableArrays) as caught:
        _read(text)
    return [fault.sentence for fault in caught.value.violations]


def _file(rows: Sequence[Sequence[float]], end: str = "\n") -> str:
    header = ",".join(f"x{column}" for column in range(len(rows[0]) - 1)) + ",y"
    return end.join([header, *(",".join(map(repr, row)) for row in rows), ""])


@given(
    st.integers(2, 5).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(-1e100, 1e100), min_size=width, max_size=width), min_size=1, max_size=6
        )
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_numbers_written_with_all_their_digits_are_read_to_the_bit(rows: list[list[float]], end: str) -> None:
    """Whatever ends a line."""
    found = csv_arrays(_file(rows, end).encode(), target=None, limit=LIMIT)
    table = np.array(rows)
    assert UserArrays.of(found).id == UserArrays.of({"X": table[:, :-1], "y": table[:, -1]}).id


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.rstrip("\n"),
        "\n\n" + PLAIN.replace("\n", "\n \n") + "\n\n",
        PLAIN.replace("1,2,3", '"1","2","3"'),
        PLAIN.replace("1,2,3", " 1.0 ,+2e0,\t.3E1"),
        PLAIN.replace("a,", '"a, with ""quotes"" and\na line break",'),
        PLAIN.replace("y", " y "),
    ],
)
def test_a_file_may_be_written_in_many_ways(text: str) -> None:
    """Byte order mark, line ends, blank lines, quotes, spaces, exponents."""
    assert _read(text) == {"X": [[1, 2], [4, 5]], "y": [3, 6]}


def test_the_target_is_y_or_the_last_column_or_the_one_that_is_named() -> None:
    """The features keep their order."""
    assert _read("y,a,b\n1,2,3\n") == {"X": [[2, 3]], "y": [1]}
    assert _read("c,a,b\n1,2,3\n") == {"X": [[1, 2]], "y": [3]}
    assert _read("y,a,b\n1,2,3\n", target="a") == {"X": [[1, 3]], "y": [2]}


@pytest.mark.parametrize(("names", "target"), [("a,b", "c"), ("a,a", "a"), ("y,y", None), ("a,b", ""), ("a,b", "A")])
def test_a_target_must_be_one_column(names: str, target: str | None) -> None:
    """Neither none nor two."""
    with pytest.raises(NoSuchColumn):
        _read(f"{names}\n1,2\n", target=target)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("7", "line 4: it has 1 fields"),
        ("7,8,9,10", "line 4: it has 4 fields"),
        ("7,8,9,10,11,12", "decimal commas?"),
        ("7,,9", "line 4, column 2: a number is missing"),
        ("7,8,", "line 4, column 3: a number is missing"),
        ('7,"8,5",9', "line 4, column 2: a decimal point"),
        ("7,eight,9", "line 4, column 2: a finite number"),
        ("nan,8,9", "line 4, column 1: a finite number"),
        ("7,8,-inf", "line 4, column 3: a finite number"),
        ("7,1_000,9", "line 4, column 2: a finite number"),
        ("7,0x10,9", "line 4, column 2: a finite number"),
        ("7,٣,9", "line 4, column 2: a finite number"),
        ("7,8,9\x00", "line 4, column 3: a finite number"),
        ("7,8e,9", "line 4, column 2: a finite number"),
        ('7,8,"9', "the quotes do not match"),
        ('7,8,"9"9', "the quotes do not match"),
        ("7,8," + "9" * 200_000, "a field is too long"),
    ],
)
def test_a_bad_line_is_named_by_its_number(line: str, sentence: str) -> None:
    """And what stood there is not repeated."""
    (found,) = _sentences(f"{PLAIN}{line}\n")
    assert sentence in found
    assert not any(text in found for text in ("eight", "nan", "inf", "1_000", "0x10", "8,5", "٣"))


def test_a_number_beyond_all_measure_is_found_where_every_entry_is_checked() -> None:
    """It is a number by its spelling."""
    with pytest.raises(UnusableArrays) as caught:
        UserArrays.of(csv_arrays(b"a,y\n1,2\n1e999,2\n", target=None, limit=LIMIT))
    assert [fault.place for fault in caught.value.violations] == [("X", 1, 0)]


def test_several_bad_lines_are_listed_up_to_a_number() -> None:
    """Each with its own; lines inside quotes and blank ones count as an editor counts them."""
    assert [sentence.split(":")[0] for sentence in _sentences('"a\nb",y\n\n1\n1,2\n3\n')] == ["line 4", "line 6"]
    assert len(_sentences("a,y\n" + "1\n" * 100)) == MOST_VIOLATIONS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a first line"),
        ("\n\n", "a first line"),
        ("y\n1\n", "two or more columns"),
        ("a;b;y\n1;2;3\n", "semicolons"),
        ("a\tb\ty\n1\t2\t3\n", "tabs"),
        ("1,2,3\n4,5,6\n", "should name the columns"),
        ("a,y\n", "no line follows"),
        (PLAIN.encode("utf-16"), "not UTF-8: byte 0"),
        (b"a,y\n1,\xe92\n", "not UTF-8: byte 6"),
    ],
)
def test_what_is_no_such_file_is_told_apart(text: str | bytes, sentence: str) -> None:
    """The commonest slips of a spreadsheet have sentences of their own."""
    (found,) = _sentences(text)
    assert sentence in found


def test_the_limit_counts_the_entries_of_the_features() -> None:
    """At the limit is allowed."""
    assert csv_arrays(PLAIN.encode(), target=None, limit=4)["X"].shape == (2, 2)
    with pytest.raises(OversizedArrays, match="2 × 2 are 4 entries; at most 3"):
        csv_arrays(PLAIN.encode(), target=None, limit=3)


@given(st.text(alphabet='ay,;"1.e-\n\r \t\x00é', max_size=60) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never another error."""
    with contextlib.suppress(UnusableArrays, NoSuchColumn):
        UserArrays.of(csv_arrays(text.encode(), target=None, limit=LIMIT))
