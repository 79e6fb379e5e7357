"""Which runs rounding has decided, by what their twins did."""

from typing import Any

import pytest

from core.results.rounding import is_decided_by_rounding


@pytest.mark.parametrize(
    ("changes", "decided"),
    [
        pytest.param({}, False, id="of a version that knew no paths"),
        pytest.param({"path": "smooth", "sensitivity": None, "twin_outcome": None}, False, id="smooth"),
        pytest.param({"path": "crossed_edge"}, False, id="crossed the edge, of which no twin was asked for"),
        pytest.param({"path": "perturbed"}, True, id="perturbed, likewise"),
        pytest.param({"path": "released", "twin_outcome": None}, True, id="released, likewise"),
        pytest.param({"path": "perturbed", "twin_outcome": "converged", "sensitivity": 1e-9}, False, id="twin agrees"),
        pytest.param(
            {"path": "crossed_edge", "twin_outcome": "converged", "sensitivity": 0.02}, True, id="twin is far"
        ),
        pytest.param(
            {"path": "crossed_edge", "twin_outcome": "diverged", "sensitivity": None}, True, id="twin diverged"
        ),
    ],
)
def test_a_run_is_decided_by_rounding_as_its_twin_says(changes: dict[str, Any], *, decided: bool) -> None:
    """Where it has none, a perturbation that made its path says so."""
    assert is_decided_by_rounding({"outcome": "converged"} | changes) is decided


def test_two_runs_that_come_to_no_point_agree() -> None:
    """However far apart they are."""
    for outcome, sensitivity in (("diverged", None), ("diverged", 0.1), ("oscillating", 0.5)):
        both = {"outcome": outcome, "path": "crossed_edge", "twin_outcome": outcome, "sensitivity": sensitivity}
        assert not is_decided_by_rounding(both)
    assert not is_decided_by_rounding(None)
