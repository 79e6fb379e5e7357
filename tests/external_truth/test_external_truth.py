"""What others printed, computed anew, and the page that says so."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from docs.make_external_truth import BOUNDS, DRAWS, PAGE, ROWS, SLOW_ROWS
from tests.external_truth import ascent, descent, minibatches
from tests.external_truth.problem import SAM, SPARSE_FEATURES, Problem, ends, in_legs, uniform
from tests.external_truth.row import Bound, Draw, Row

Cells = tuple[str, ...]


def tables_of_the_page() -> dict[str, list[Cells]]:
    """The rows of each table, by its name, without the head."""
    tables = {}
    for part in PAGE.read_text(encoding="utf-8").split("<!-- end -->")[:-1]:
        name, _, table = part.rpartition("<!-- ")[2].partition(" -->\n")
        tables[name] = [tuple(line.strip("| ").split(" | ")) for line in table.splitlines()[2:]]
    return tables


SHOWN = tables_of_the_page()


@pytest.mark.parametrize("name", ROWS)
def test_every_printed_number_is_found_here_and_stands_on_the_page(name: str) -> None:
    """In as many digits as it has, but where the row says why not; the page has the rows that are computed."""
    found = ROWS[name]()
    assert not [row for row in found if not row.agrees]
    assert [(row.what, row.printed) for row in found] == [cells[:2] for cells in SHOWN[name]]
    for row, (_, _, here, _) in zip(found, SHOWN[name], strict=True):
        assert float(here) == pytest.approx(row.ours, rel=max(row.allowed, 1e-11), nan_ok=True)


@pytest.mark.parametrize("name", BOUNDS)
def test_every_bound_holds_and_stands_on_the_page(name: str) -> None:
    """What the theorem promises is what is found."""
    found = BOUNDS[name]()
    assert all(bound.agrees for bound in found)
    assert [bound.cells()[:2] for bound in found] == [cells[:2] for cells in SHOWN[name]]


@pytest.mark.thorough
@pytest.mark.parametrize("name", DRAWS | SLOW_ROWS)
def test_every_draw_is_one_of_the_law(name: str) -> None:
    """It lies among many runs of ours, as it does on the page; and what takes long is found again."""
    found: Sequence[Draw | Row] = (DRAWS | SLOW_ROWS)[name]()
    assert not [draw.cells() for draw in found if not draw.agrees]
    assert [draw.cells()[:2] for draw in found] == [cells[:2] for cells in SHOWN[name]]


@pytest.mark.parametrize("name", DRAWS)
def test_every_draw_of_the_page_lies_where_it_says(name: str) -> None:
    """Between the two ends that stand beside it."""
    for _, printed, between, _ in SHOWN[name]:
        low, high = map(float, between.split(" to "))
        assert low * (1 - 1e-5) <= float(printed) <= high * (1 + 1e-5)


def test_the_page_has_the_tables_that_are_computed() -> None:
    """None is left over from before; a hundred numbers and more are found again."""
    assert SHOWN.keys() == {*ROWS, *SLOW_ROWS, *DRAWS, *BOUNDS, "equal steps"}
    assert sum(len(SHOWN[name]) for name in ROWS | SLOW_ROWS) == 111
    assert sum(len(SHOWN[name]) for name in DRAWS) == 33


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


def test_starts_that_differ_in_the_eleventh_digit_end_apart_beyond_the_edge() -> None:
    """So that one line of the notebook is one draw: two twins of ours differ by more than a hundredth."""
    steps, decay, _ = descent.DECAYS[0]
    legs, start = ((steps, 3.53), (5000, 3.53 / decay)), uniform(0.1, 0.1 * (1 + 1e-11))
    losses = [end.test_loss for end in ends(SPARSE_FEATURES, in_legs(SPARSE_FEATURES, legs, start=start))]
    assert 0.3 < min(losses) < 0.99 * max(losses) < 0.55


def test_a_slow_loop_over_their_samples_finds_the_same() -> None:
    """So that what agrees are two computations."""
    for seed, (_, problem, _, legs, printed) in minibatches.THEIRS:
        found = minibatches.looped(problem, legs, seed)
        for name, text in printed.items():
            assert getattr(found, name) == pytest.approx(float(text), rel=1e-10)


def test_at_the_edge_a_line_is_not_found_again_with_its_own_samples() -> None:
    """So that the lines that begin at .282 are draws, although their samples are known."""
    name, problem, _, legs, printed = minibatches.LINES[4]
    assert "γ = .282" in name
    with np.errstate(all="ignore"):
        found = minibatches.with_their_draws(problem, legs, seed=1).test_loss
    assert not 0.99 < found / float(printed["test_loss"]) < 1.01


def test_a_draw_outside_of_all_others_does_not_agree() -> None:
    """Runs that diverge are counted and are none of the others."""
    law = Draw(what="", printed="2", draws=[1.0, 3.0, float("nan")])
    assert law.agrees
    assert law.cells()[2:] == ("1 to 3", "1 of 2 are below, 1 diverged")
    assert not replace(law, printed="4").agrees
    assert not Bound(what="", bound=1.0, ours=1.1).agrees


@pytest.mark.parametrize(
    ("ours", "agrees"), [(1.9749, True), (1.9751, False), (1.9649, False), (float("nan"), False), (-1.97, False)]
)
def test_a_rounded_number_agrees_to_its_last_digit(ours: float, *, agrees: bool) -> None:
    """Neither nothing nor a number of the other sign does."""
    assert Row(what="", printed="1.97", ours=ours, tolerance=None).agrees is agrees
    assert not Row(what="", printed="1.97", ours=ours).agrees
