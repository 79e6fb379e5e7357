"""On real data every end is explained, and who does as the explanation says gets further."""

import math
import re

import pytest

from core.outcome import WITH_LIMIT, Outcome
from core.results.explanation import THRESHOLDS, exceeded, explanation
from docs.make_reference import DOCS
from tests.real_data.real_data import TRAINED, TRANSFORMS, analysed, runs, trained

EVERY = [(name, transform) for name in TRAINED for transform in TRANSFORMS]
UNSETTLED = {Outcome.DIVERGED, Outcome.OSCILLATING}


@pytest.mark.parametrize(("name", "transform"), EVERY)
def test_every_end_is_explained_by_where_the_step_size_stood(name: str, transform: str) -> None:
    """By all thresholds that there are: three at least, and η* where something interpolates."""
    known = list(THRESHOLDS) if analysed(name, transform).interpolates else list(THRESHOLDS)[:-1]
    for each in runs(name, transform):
        assert [threshold for threshold in THRESHOLDS if each.summary[threshold] is not None] == known
        text = explanation(each.summary)
        assert text.count("×") == len(known)
        assert len(text.split(". ")) >= 3


@pytest.mark.parametrize(("name", "transform"), EVERY)
def test_a_run_that_does_not_settle_is_above_a_threshold(name: str, transform: str) -> None:
    """None that is below all of them diverges or oscillates on these data."""
    for each in runs(name, transform):
        if each.summary["outcome"] in UNSETTLED:
            assert exceeded(each.summary), each
        elif each.summary["outcome"] in WITH_LIMIT:
            assert "max_stable_step" not in exceeded(each.summary)


@pytest.mark.parametrize(("name", "transform"), EVERY)
def test_who_lowers_the_step_size_as_told_has_a_run_that_settles(name: str, transform: str) -> None:
    """At once, or after having been told a second time, or a third; it may take more steps than are tried here."""
    for each in runs(name, transform):
        summary, told = each.summary, 0
        while summary["outcome"] in UNSETTLED:
            found = re.search(r"lower η to ([\d.e+-]*\d)", explanation(summary))
            assert found, explanation(summary)
            told += 1
            assert told <= len(THRESHOLDS) - 1
            (again,) = trained(name, transform, float(found[1]), max_steps=50_000)
            summary = again.summary


def test_twelve_of_twelve_runs_on_unscaled_data_are_told_to_standardise() -> None:
    """On 20 samples of breast cancer, at .01 to .95 η*: η* is not where descent goes."""
    fractions = {"fractions_of_max_stable": [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]}
    for each in trained("breast-cancer", "raw", fractions, max_steps=1000):
        assert each.summary["outcome"] == "diverged"
        assert '{"X": "standardise"}' in explanation(each.summary)
    ends = [each.summary["outcome"] for each in trained("breast-cancer", "standardised", fractions)[1:]]
    assert ends.count("converged") == len(ends) - ends.count("budget_exhausted") >= len(ends) - 2


@pytest.mark.parametrize("name", TRAINED)
def test_the_advice_says_to_standardise_columns_of_different_sizes(name: str) -> None:
    """And no others, nor columns that are standardised already."""
    found, after = analysed(name, "raw"), analysed(name, "standardised")
    assert found.advice is not None
    assert after.advice is not None
    assert after.advice.transform is None
    assert after.column_scale_ratio is not None
    assert math.isclose(after.column_scale_ratio, 1.0)
    is_uneven = name in {"breast-cancer", "wine", "digits", "longley"}
    assert (found.advice.transform is not None) is is_uneven


def test_constant_pixels_are_named_and_stay_zero() -> None:
    """The corners of handwritten digits."""
    raw, standardised = analysed("digits", "raw"), analysed("digits", "standardised")
    assert {0, 8, 16, 24, 32} <= set(raw.constant_columns)
    assert raw.constant_columns == standardised.constant_columns
    assert standardised.column_spreads is not None
    spreads = [spread for place, spread in enumerate(standardised.column_spreads) if place not in raw.constant_columns]
    assert spreads == pytest.approx([1.0] * len(spreads))


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    """Their outcomes: the losses of runs that were cut short depend on the machine."""
    page = (DOCS / "how-to" / "your-own-data.md").read_text(encoding="utf-8")
    shown = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    for name, transform in EVERY:
        rows = [row for row in shown if row[:2] == [name, transform] and "`" in row[3]]
        outcomes = [f"`{each.summary['outcome']}`" for each in runs(name, transform)]
        assert [row[3] for row in rows] == outcomes
