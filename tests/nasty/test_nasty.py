"""The nasty specs in short: those that end soon."""

import numpy as np
import pytest

from docs.make_reference import DOCS
from tests.nasty.judge import Case, judged, statements, trained
from tests.nasty.plain_loop import loops
from tests.nasty.specs import DATA, NASTY, NastySpec

STEPS = 4096
SOON = [spec for spec in NASTY if spec.name in {"N = 1", "d = 1, N = 3", "N > d", "y = 0", "constant columns"}]


@pytest.mark.timeout(120)
def test_every_statement_about_runs_that_end_soon_is_true() -> None:
    """By a loop of their own, linear algebra, and doing as they say."""
    found = judged([spec for spec in SOON if not spec.optimizer], STEPS)
    assert [fault for each in found for fault in each.faults] == []
    assert {each.case.summary["outcome"] for each in found} == {"converged", "diverged", "stationary"}


def test_a_false_statement_is_found() -> None:
    """Of another run: that it diverged, where the loop does not; and words that nothing checks."""
    spec = SOON[0]
    summary, _ = trained(spec)
    case = Case(spec=spec, summary=summary, path=loops([spec], 512, [128])[0])
    faults = [statement.fault for statement in statements(case, "Diverged within 128 steps. It was the weather.")]
    assert faults == ["the loop is finite there", "nothing checks it"]


def test_the_loop_is_descent() -> None:
    """One step of depth 3 with momentum and warm-up, by hand."""
    X, y = DATA["N = 1"]
    how = {"kind": "heavy_ball", "momentum": 0.5, "warmup_steps": 2}
    spec = NastySpec(name="", X=X, y=y, depth=3, scale=0.5, step_size=0.1, optimizer=how)
    start, first, second = loops([spec], 2, [2])[0].last
    np.testing.assert_array_equal(start, np.full((2, 5), 0.5))
    velocity = 0.05 * 3 * 0.25 * 3.0 * X[0]
    np.testing.assert_allclose(first, [0.5 + velocity, 0.5 - velocity], rtol=1e-14)
    gradient = (X[0] @ (first[0] ** 3 - first[1] ** 3) - 3.0) * X[0]
    rolled = 0.5 * velocity - 0.1 * 3 * first[0] ** 2 * gradient
    np.testing.assert_allclose(second[0], first[0] + rolled, rtol=1e-13)


def test_the_page_has_every_spec_and_no_false_statement() -> None:
    """As `make nasty` last wrote it."""
    page = (DOCS / "nasty-specs.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) == len(NASTY)
    assert all(int(first) == int(last) for first, last in (row.rsplit("|", 2)[1].split(" of ") for row in rows))
