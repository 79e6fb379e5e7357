"""What others printed, computed anew, and the page that says so."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from docs.make_external_truth import PAGE, ROWS
from tests.external_truth import ascent
from tests.external_truth.descent import SAM, SPARSE_FEATURES, Problem
from tests.external_truth.row import Row


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_every_printed_number_is_found_here_and_stands_on_the_page(rows: Callable[[], Sequence[Row]]) -> None:
    """In as many digits as it has, but where the row says why not; the page has the rows that are computed."""
    found = rows()
    assert not [row for row in found if not row.agrees]
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    shown = {(cells[0], cells[1]): float(cells[2]) for cells in lines if len(cells) == 4 and cells[0] != "what"}
    for row in found:
        here = shown[row.what, row.printed]
        assert here == pytest.approx(row.ours, rel=max(row.allowed, 1e-11), nan_ok=True)


def test_every_row_of_the_page_is_one_that_is_computed() -> None:
    """None is left over from before."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.count(" | ") == 3]
    assert len(lines) - len(ROWS) == sum(len(rows()) for rows in ROWS.values()) == 44


@pytest.mark.parametrize(
    ("problem", "nonzero", "digest"),
    [
        (SAM, 3, "d65e2b202515fc9fc861a051ed3d17545abe3aaa0399a04949847e79328bd822"),
        (SPARSE_FEATURES, 20, "981536a28dbb1c7ee5d5f7f9d86a1e781c3ae9b2eff61aa6b225f09930b0cb77"),
    ],
)
def test_the_data_are_drawn_as_they_were(problem: Problem, nonzero: int, digest: str) -> None:
    """The digest is of the samples with which the printed numbers were found first, outside this project."""
    assert hashlib.sha256(problem.X.tobytes() + problem.held_out_X.tobytes()).hexdigest() == digest
    assert np.flatnonzero(problem.true_predictor).tolist() == list(range(nonzero))


def test_at_equal_step_sizes_no_ascent_along_the_mean_gradient_beats_descent() -> None:
    """The line of the notebook has another step size; with it the comparison turns round."""
    assert [loss > 0.016445781003091926 for _, loss in ascent.at_equal_steps()] == [True] * 7
    assert float(ascent.MEAN_ASCENT[5][3]) < 0.016445781003091926


@pytest.mark.parametrize(
    ("ours", "agrees"), [(1.9749, True), (1.9751, False), (1.9649, False), (float("nan"), False), (-1.97, False)]
)
def test_a_rounded_number_agrees_to_its_last_digit(ours: float, *, agrees: bool) -> None:
    """Neither nothing nor a number of the other sign does."""
    assert Row(what="", printed="1.97", ours=ours, tolerance=None).agrees is agrees
    assert not Row(what="", printed="1.97", ours=ours).agrees
