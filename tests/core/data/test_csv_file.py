"""Arrays from CSV files."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.csv_file import CsvOptions, Missing, NoSuchColumn, csv_arrays
from core.data.csv_table import MOST_LEVELS, MOST_VIOLATIONS
from core.data.reading import Reading
from core.data.user_arrays import OversizedArrays, UnusableArrays, UserArrays

LIMIT = 100
PLAIN = "a,b,y\n1,2,3\n4,5,6\n"


def _file_read(text: str | bytes, **options: Any) -> tuple[dict[str, list[object]], Reading]:
    body = text if isinstance(text, bytes) else text.encode()
    arrays, reading = csv_arrays(body, CsvOptions(**options), limit=LIMIT)
    return {name: array.tolist() for name, array in arrays.items()}, reading


def _read(text: str | bytes, **options: Any) -> dict[str, list[object]]:
    return _file_read(text, **options)[0]


def _sentences(text: str | bytes, **options: Any) -> list[str]:
    with pytest.raises(UnusableArrays) as caught:
        _read(text, **options)
    return [fault.sentence for fault in caught.value.violations]


def _file(rows: Sequence[Sequence[float]], end: str = "\n") -> str:
    header = ",".join([*_features(rows), "y"])
    return end.join([header, *(",".join(map(repr, row)) for row in rows), ""])


def _features(rows: Sequence[Sequence[float]]) -> list[str]:
    return [f"x{column}" for column in range(len(rows[0]) - 1)]


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
    found, _ = csv_arrays(_file(rows, end).encode(), CsvOptions(keep=_features(rows)), limit=LIMIT)
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
        ("7", "line 4 has 1 fields"),
        ("7,8,9,10", "line 4 has 4 fields, where 3 columns have names; row names"),
        ("7,8,9,10,11,12", "line 4 has 6 fields"),
        ("7,,9", "column 'b', line 4: a value is missing (1 of 3 are); missing=drop"),
        ("7,8,", "column 'y', line 4: a value is missing"),
        ('7.5,"8,5",9', "decimal points and decimal commas"),
        ("7,eight,9", "column 'b', line 4: 'eight' is no finite number (1 of 3 values are none); drop="),
        ("7,8,nine", "column 'y', line 4: 'nine' is no finite number (1 of 3 values are none)"),
        ("inf,8,9", "column 'a', line 4: 'inf'"),
        ("7,8,-inf", "column 'y', line 4: '-inf'"),
        ("7,1_000,9", "column 'b', line 4: '1_000'"),
        ("7,0x10,9", "column 'b', line 4: '0x10'"),
        ("7,٣,9", "column 'b', line 4: '٣'"),
        ("7,8,9\x00", "column 'y', line 4: '9\ufffd'"),
        ("7,8e,9", "column 'b', line 4: '8e'"),
        ("7,True,9", "column 'b', line 4: True or False stands among numbers"),
        ('7,8,"9', "the quotes do not match"),
        ('7,8,"9"9', "the quotes do not match"),
        ("7,8," + "9" * 65, "has more than 64 characters"),
        ("7,8," + "9" * 200_000, "a field is too long"),
    ],
)
def test_what_is_wrong_is_named_by_column_and_value(line: str, sentence: str) -> None:
    """Once for a column, with the first value; a line of another width by its number."""
    (found,) = _sentences(f"{PLAIN}{line}\n")
    assert sentence in found


def test_a_number_beyond_all_measure_is_found_where_every_entry_is_checked() -> None:
    """It is a number by its spelling."""
    with pytest.raises(UnusableArrays) as caught:
        UserArrays.of(csv_arrays(b"a,y\n1,2\n1e999,2\n", limit=LIMIT)[0])
    assert [fault.place for fault in caught.value.violations] == [("X", 1, 0)]


def test_several_bad_lines_are_listed_up_to_a_number() -> None:
    """Each with its own; lines inside quotes and blank ones count as an editor counts them."""
    found = _sentences('"a\nb",y\n\n1\n1,2\n3\n')
    assert [sentence.split(" has")[0] for sentence in found] == ["line 4", "line 6"]
    assert len(_sentences("a,y\n" + "1\n" * 100)) == MOST_VIOLATIONS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a first line"),
        ("\n\n", "a first line"),
        ("y\n1\n", "two or more columns"),
        ("1,2,3\n4,5,6\n", "line 1 reads as a sample"),
        ("0.5,NA,2\n0.25,1,3\n", "line 1 reads as a sample"),
        ("red,1,2\nblue,3,4\n", "line 1 reads as a sample"),
        (",0,1\n0,2.5,3\n1,2.5,3\n", "line 1 reads as a sample"),
        ("# a,b\n1,2,3\n4,5,6\n", "line 2 reads as a sample"),
        ("a,a,y\n1,2,3\n", "2 columns are called 'a'"),
        ("a;b;y\n1,500;2;3\n", "decimal=comma reads decimals"),
        ("a;b;y\n1.500;2;3\n", "decimal=point reads decimals"),
        ('a,y\n1.5,"2,5"\n', "decimal points and decimal commas"),
        ('"a" "y"\n"r1" 1 2\n', "row names need a name"),
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
    assert csv_arrays(PLAIN.encode(), limit=4)[0]["X"].shape == (2, 2)
    with pytest.raises(OversizedArrays, match="2 × 2 are 4 entries; at most 3"):
        csv_arrays(PLAIN.encode(), limit=3)


@given(st.text(alphabet='ay,;"1.e-\n\r \t\x00é', max_size=60) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never another error."""
    with contextlib.suppress(UnusableArrays, NoSuchColumn):
        UserArrays.of(csv_arrays(text.encode(), limit=LIMIT)[0])


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        (PLAIN, {}),
        (PLAIN.replace(",", ";"), {"delimiter": "semicolon", "guessed": ("delimiter: semicolon",)}),
        (PLAIN.replace(",", "\t"), {"delimiter": "tab", "guessed": ("delimiter: tab",)}),
        (PLAIN.replace(",", "   "), {"delimiter": "space", "guessed": ("delimiter: space",)}),
        (PLAIN.replace("y", "z"), {"target": "z", "guessed": ("target: 'z', the last column",)}),
        ("# one\n" + PLAIN.replace("4,", "#\n4,"), {"dropped": ("2 comment lines",)}),
        ("# " + PLAIN, {"guessed": ("names: those of the comment above the first sample",)}),
        ('#"a", "b", "y"\n1,2,3\n4,5,6', {"guessed": ("names: those of the comment above the first sample",)}),
        ("\ufeff\u200ba ,b,y\n1,2,3\n4,5,6", {}),
        (",a,b,y\n0,1,2,3\n1,4,5,6", {"dropped": ("column 'Unnamed: 0': it has no name and counts the rows",)}),
        (
            "Unnamed: 0,a,b,y\n1,1,2,3\n2,4,5,6",
            {"dropped": ("column 'Unnamed: 0': it has no name and counts the rows",)},
        ),
        ("a,b,y,\n1,2,3,\n4,5,6,", {"dropped": ("column 'Unnamed: 3': it has neither a name nor values",)}),
    ],
)
def test_what_was_understood_is_told(text: str, reading: dict[str, Any]) -> None:
    """The same two samples in the spellings that people have."""
    plain = Reading(target="y", columns=("a", "b"), delimiter="comma", decimal="point")
    assert _file_read(text) == (_read(PLAIN), replace(plain, **reading))


def test_another_decimal_mark_than_the_one_that_is_asked_for_is_named() -> None:
    """With the column and the value."""
    (found,) = _sentences("a;y\n1,5;2\n", decimal="point")
    assert "column 'a', line 2: '1,5' has another decimal separator" in found


def test_decimal_commas_are_read() -> None:
    """In quotes between commas as well."""
    assert _read('"a";"y"\n0,5;1,25\n-1,5e3;2\n') == {"X": [[0.5], [-1500.0]], "y": [1.25, 2.0]}
    assert _read('a,y\n"0,5","1,25"\n') == {"X": [[0.5]], "y": [1.25]}
    assert _read("a;y\n1,500;2\n", decimal="comma") == {"X": [[1.5]], "y": [2.0]}


def test_a_column_that_counts_the_rows_is_no_feature_unless_that_is_said() -> None:
    """It is refused by its name, with both ways out; where it is the target it may count."""
    text = "id,a,y\n1,5,2\n2,5,3\n3,4,4\n"
    (found,) = _sentences(text)
    assert "column 'id': it counts the rows" in found
    assert _file_read(text, drop=["id"])[1].dropped == ("column 'id': as asked",)
    assert _read(text, keep=["id"])["X"] == [[1, 5], [2, 5], [3, 4]]
    assert _read(text, target="id")["y"] == [1, 2, 3]


def test_a_column_without_a_name_is_no_feature() -> None:
    """It may be a row's label, or a number; only its author knows."""
    (found,) = _sentences(",a,y\n3,5,2\n9,5,3\n")
    assert "column 'Unnamed: 0': it has no name" in found
    assert _read(",a,y\nr,5,2\ns,5,3\n", drop=["Unnamed: 0"])["X"] == [[5], [5]]


def test_missing_values_are_refused_left_out_or_replaced_by_the_mean() -> None:
    """And what became of them is said."""
    text = "a,b,y\n1,NA,3\n4,5,6\n7,9,8\n"
    arrays, reading = _file_read(text, missing=Missing.DROP)
    assert arrays == {"X": [[4, 5], [7, 9]], "y": [6, 8]}
    assert reading.dropped == ("1 of 3 samples, where values are missing; the first is line 2",)
    arrays, reading = _file_read(text, missing=Missing.MEAN)
    assert arrays == {"X": [[1, 7], [4, 5], [7, 9]], "y": [3, 6, 8]}
    assert reading.converted == ("column 'b': 1 missing values became the mean 7",)


@pytest.mark.parametrize("text", ["a,y\n1,\n2,3\n", "a,b,y\n,1,1\n,1,3\n", "c,y\nred,1\n,2\n"])
def test_no_mean_stands_for_a_target_a_category_or_nothing(text: str) -> None:
    """That would be made up."""
    (found,) = _sentences(text, missing=Missing.MEAN, one_hot=["c"] if "c" in text else [])
    assert "no mean can take its place" in found


def test_categories_become_columns_where_that_is_asked() -> None:
    """One for each, in order; a number is a category by its spelling."""
    arrays, reading = _file_read("c,a,y\nred,5,2\n1,5,3\nred,1,9\n", one_hot=["c"])
    assert reading.columns == ("c=1", "c=red", "a")
    assert arrays["X"] == [[0, 1, 5], [1, 0, 5], [0, 1, 1]]
    rows = "".join(f"c{n},1\n" for n in range(MOST_LEVELS + 1))
    with pytest.raises(UnusableArrays, match=f"one category more than the {MOST_LEVELS}"):
        csv_arrays(f"c,y\n{rows}".encode(), CsvOptions(one_hot=["c"]), limit=1000)


def test_truths_are_one_and_zero() -> None:
    """Said as a conversion."""
    arrays, reading = _file_read("a,b,y\nTrue,1,2\nFALSE,1,3\n")
    assert arrays["X"] == [[1, 1], [0, 1]]
    assert reading.converted == ("column 'a': True became 1, False 0",)


@pytest.mark.parametrize("option", ["drop", "keep", "one_hot", "target"])
def test_an_option_names_a_column_that_is_there(option: str) -> None:
    """Or is refused by its own name."""
    with pytest.raises(NoSuchColumn) as caught:
        _read(PLAIN, **{option: "z" if option == "target" else ["z"]})
    assert caught.value.option == option


@pytest.mark.parametrize("option", ["keep", "one_hot"])
def test_a_column_is_left_out_or_read(option: str) -> None:
    """Never both: one of the two options would be passed over without a word."""
    with pytest.raises(NoSuchColumn) as caught:
        _read(PLAIN, **{"drop": ["a"], option: ["a"]})
    assert (caught.value.option, caught.value.message) == (option, "drop leaves out 'a': name it once")


def test_faults_of_very_many_columns_are_cut() -> None:
    """Twenty bad columns are bad for one reason."""
    names = [f"x{n}" for n in range(50)]
    assert len(_sentences(",".join([*names, "y"]) + "\n" + "red," * 50 + "1\n")) == MOST_VIOLATIONS


def test_very_many_columns_take_no_more_time_than_their_number() -> None:
    """Names are looked up in sets that are made once: the same file with a set for each column takes minutes."""
    assert _sentences("," * 100 + "y\n" + "2," * 100 + "3\n")[0].startswith("column 'Unnamed: 0': it has no name")
    with pytest.raises(NoSuchColumn):
        _read("," * 200_000)


@pytest.mark.parametrize(
    "text", ["," * 1_000_000, "a,y\n1,2\n" + "," * 1_000_000, "a;y\n" + "1;2\n" * 90 + ";" * 1_000_000]
)
def test_a_line_of_a_million_fields_is_refused_before_it_is_taken_apart(text: str) -> None:
    """It is named."""
    line = text.count("\n") + 1
    assert _sentences(text) == [f"line {line} has more than 1000000 fields"]


def test_columns_without_a_name_count_as_columns() -> None:
    """A file may not have more of them than of features."""
    with pytest.raises(OversizedArrays):
        _read("," * LIMIT + "a,y\n" + "," * LIMIT + "1,2\n")


_CELLS = st.one_of(
    st.floats(-1e6, 1e6), st.integers(-2000, 2000).map(float), st.sampled_from([0.0, 1.0, 2.0, 1.5, 1.234, None])
)


@st.composite
def _written(draw: st.DrawFn) -> tuple[list[list[float | None]], str]:
    """Rows, and a file as `DataFrame.to_csv` would write them."""
    width = draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(_CELLS, min_size=width, max_size=width), min_size=1, max_size=6))
    separator, decimal = draw(
        st.sampled_from([(",", "."), (";", ","), (";", "."), ("\t", ","), (" ", "."), ("|", ".")])
    )
    nothing, is_quoted = draw(st.sampled_from(["", "NA", "nan"])), draw(st.booleans())
    has_index, has_names = draw(st.booleans()), draw(st.integers(0, 4)) > 0

    def cell(value: float | None) -> str:
        text = nothing if value is None else repr(value).replace(".", decimal)
        return f'"{text}"' if is_quoted or (separator == " " and not text) else text

    lines = [[str(number), *map(cell, row)] if has_index else list(map(cell, row)) for number, row in enumerate(rows)]
    names = [f"x{column}" for column in range(width - 1)] + ["y"]
    heading = [['""' if separator == " " else "", *names] if has_index else names] if has_names else []
    return rows, "\n".join(separator.join(line) for line in [*heading, *lines])


@given(_written())
def test_what_a_table_is_written_as_is_read_as_the_same_numbers_or_refused(
    drawn: tuple[list[list[float | None]], str],
) -> None:
    """Never as another matrix, in whatever dialect."""
    rows, text = drawn
    try:
        found, _ = csv_arrays(text.encode(), CsvOptions(missing=Missing.DROP), limit=LIMIT)
    except (UnusableArrays, NoSuchColumn):
        return
    whole = np.array([row for row in rows if None not in row], dtype=np.float64)
    assert np.array_equal(found["X"], whole[:, :-1])
    assert np.array_equal(found["y"], whole[:, -1])


@pytest.mark.parametrize("field", ["\uff11", "\u0661\u0662", "\u00b2"])
def test_digits_of_other_scripts_are_no_number_and_no_large_one(field: str) -> None:
    """They are refused for what they are."""
    assert f"{field}' is no finite number" in _sentences(f"a,y\n{field},1\n2,3\n")[0]


@pytest.mark.parametrize("field", ["9007199254740993", "-9007199254740993", "123456789012345678901234567890"])
def test_whole_numbers_that_a_double_cannot_tell_apart_are_refused(field: str) -> None:
    """Two files would be one data set."""
    with pytest.raises(UnusableArrays, match="cannot tell from its neighbours"):
        csv_arrays(f"a,b,y\n{field},0.5,1\n3,0.25,2\n".encode(), limit=LIMIT)


def _long(*lines: str, head: str = "a;b;y", row: str = "1;2;3", separator: str = "\n") -> str:
    """A file of some thousand rows; these lines are its last ones."""
    return separator.join([head, *[row] * 2000, *lines])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            _long("1.234;2;3"),
            "column 'a', line 2002: '1.234', as every number with a point, has three digits behind it",
        ),
        (_long("1.234;2;3", "1;2.345;3"), "column 'a', line 2002: '1.234', as every number"),
        (_long("1.234,5;2;3"), "column 'a', line 2002: '1.234,5' has something between its thousands"),
        (_long("1,5;2;3"), "column 'a', line 2002: '1,5' has another decimal separator"),
        (_long("1.5;2;3", row="1,5;2;3"), "column 'a', line 2002: '1.5' has another decimal separator"),
        (_long("1.234;2;3", row="1,5;2;3"), "column 'a', line 2002: '1.234' has another decimal separator"),
        (_long("1 234;2;3"), "column 'a', line 2002: '1 234' has something between its thousands"),
        (_long("1'234.5;2;3"), "column 'a', line 2002: '1'234.5' has something between its thousands"),
        (_long("1,2,3"), "line 2002 has 1 fields"),
        (_long("a;b;y"), "column 'a', line 2002: 'a' is no finite number"),
    ],
)
def test_a_dialect_holds_for_the_whole_file(text: str, sentence: str) -> None:
    """What contradicts it in the last line is refused, with column, line and value."""
    with pytest.raises(UnusableArrays) as caught:
        csv_arrays(text.encode(), limit=10**6)
    assert sentence in caught.value.violations[0].sentence


@pytest.mark.parametrize("last", ["1.5;2;3", "1.2345;2;3", "0.123;2;3", "1;2;3\n1;2.50;3"])
def test_points_that_can_only_mark_decimals_settle_what_the_others_mean(last: str) -> None:
    """Wherever they stand; and so does who says it."""
    text = _long("1.234;2;3", last)
    assert csv_arrays(text.encode(), limit=10**6)[0]["X"][2000, 0] == 1.234
    said, _ = csv_arrays(_long("1.234;2;3").encode(), CsvOptions(decimal="point"), limit=10**6)
    assert said["X"][2000, 0] == 1.234


def test_points_among_categories_and_in_columns_left_out_say_nothing() -> None:
    """They are no numbers."""
    text = _long("1.234;2;3", row="1;2.5;3")
    arrays, _ = csv_arrays(text.encode(), CsvOptions(one_hot=["a"]), limit=10**6)
    assert arrays["X"].shape == (2001, 3)
    with pytest.raises(UnusableArrays, match="as every number with a point"):
        csv_arrays(_long("1.5;2.345;3").encode(), CsvOptions(drop=["a"]), limit=10**6)


def test_a_comment_is_one_whatever_quotes_stand_above_it() -> None:
    """A quote inside a field opens nothing; inside quotes a line is none, whatever it begins with."""
    text = 'c,a,y\n5" pipe,1,2\n# x,5,6\nrod,3,5\n'
    arrays, reading = _file_read(text, one_hot=["c"])
    assert arrays["y"] == [2, 5]
    assert reading.dropped == ("1 comment lines",)
    assert _read('"a\n# b",c,y\n1,2,3\n4,5,7\n')["X"] == [[1, 2], [4, 5]]


def test_lines_that_quotes_swallow_are_told() -> None:
    """A quote that nobody closes takes samples with it, up to the next one; in a column left out nothing else shows."""
    text = 'note,a,y\n"5 inch,1,2\nrod,3,5\n7 inch",5,6\nrod,8,1\n'
    arrays, reading = _file_read(text, drop=["note"])
    assert arrays["y"] == [6, 1]
    assert reading.guessed == ("quotes: 2 lines go on with a field of the line before; the first is line 3",)


def test_a_file_is_judged_by_what_is_no_comment() -> None:
    """However many lines come before it."""
    assert _read("# of the laboratory\n" * 1000 + "a;y\n0,5;1\n") == {"X": [[0.5]], "y": [1]}


def test_a_spreadsheet_may_say_what_separates_fields() -> None:
    """In a first line of its own, which is no line of names; lines are counted as an editor counts them."""
    for character, name in ((";", "semicolon"), ("|", "bar"), ("\t", "tab"), (",", "comma")):
        text = f"sep={character}\r\n" + PLAIN.replace("\n", "\r\n").replace(",", character)
        arrays, reading = _file_read(text)
        assert (arrays, reading.delimiter, reading.guessed) == (_read(PLAIN), name, ())
    assert "line 3" in _sentences("sep=;\na;y\nx;1\n")[0]
    assert "line 1 says sep=" in _sentences("sep=/\na/y\n1/1\n")[0]


@pytest.mark.parametrize("names", ["x1, x2, y", "x1; x2; y", "x1 ,x2 ,y", "x1| x2| y"])
def test_names_and_samples_are_separated_alike(names: str) -> None:
    """A name is not what stands before a comma and the comma."""
    assert "write both one way" in _sentences(f"{names}\n1 2 3\n4 5 7\n")[0]


def test_categories_of_samples_that_are_left_out_are_no_columns() -> None:
    """They would be 0 everywhere; and that is said."""
    arrays, reading = _file_read("c,a,y\nred,1,2\nblue,,3\nred,3,5\n", one_hot=["c"], missing=Missing.DROP)
    assert (arrays["X"], reading.columns) == ([[1, 1], [1, 3]], ("c=red", "a"))
    assert reading.dropped[1] == "1 of 2 categories of column 'c': no sample that stays is of them"


@pytest.mark.parametrize("text", ["c,c=red,y\nred,1,2\nblue,3,5\n", "c,a,c=red\nred,1,2\nblue,3,5\n"])
def test_a_category_has_no_column_of_another_ones_name(text: str) -> None:
    """Nobody could tell which is which."""
    assert _sentences(text, one_hot=["c"]) == ["2 columns would be called 'c=red': names must differ"]
