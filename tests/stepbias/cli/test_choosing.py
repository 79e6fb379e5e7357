"""`--where`: which runs are meant."""

import click
import pytest

from stepbias.cli.choosing import chosen, conditions
from stepbias.cli.narrowing import narrowed
from stepbias.errors import StepbiasError

ROWS = [
    {"index": index, "step_size": step, "depth": depth, "outcome": outcome}
    for index, (step, depth, outcome) in enumerate(
        [(0.05, 2, "converged"), (0.05, 3, "diverged"), (0.2, 2, "converged"), (None, 2, "unknown")]
    )
]


@pytest.mark.parametrize(
    ("given", "indices"),
    [
        (["step_size<0.1 and depth=2"], [0]),
        (["step_size<0.1", "depth == 2"], [0]),
        (["step_size < 0.1, depth>=3"], [1]),
        (["outcome=converged and step_size<=2e-1"], [0, 2]),
        (["outcome!='converged'"], [1, 3]),
        (["step_size>0"], [0, 1, 2]),
        ([], [0, 1, 2, 3]),
    ],
)
def test_all_conditions_hold(given: list[str], indices: list[int]) -> None:
    """Of one option and of several; what is missing holds for none."""
    assert [row["index"] for row in chosen(ROWS, conditions(given))] == indices


@pytest.mark.parametrize("given", ["step_size", "<3", "a b = 1", "step_size<0.1 or depth=2", ""])
def test_what_is_no_condition_is_misuse(given: str) -> None:
    """With one that is."""
    with pytest.raises(click.BadParameter, match=r"step_size<0\.1 and depth=2"):
        conditions([given])


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    """And a word with what kind of value it has."""
    with pytest.raises(StepbiasError, match="no such axis or result; they have step_size"):
        chosen(ROWS, conditions(["stepsize<1"]))
    with pytest.raises(StepbiasError, match="it is a word, such as converged"):
        chosen(ROWS, conditions(["outcome=1"]))


def test_words_have_no_order_and_nothing_is_not_a_number() -> None:
    """A condition that can hold for no run is refused, and does not mean no runs."""
    with pytest.raises(StepbiasError, match=r"outcome<converged: .* words are equal or not"):
        chosen(ROWS, conditions(["outcome<converged"]))
    with pytest.raises(click.BadParameter, match="nothing is equal to nan"):
        conditions(["step_size=nan"])


def test_that_no_run_is_meant_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, as a word may be misspelt or a number have more digits than are shown."""
    assert chosen(ROWS, conditions(["depth=2", "outcome=convergd"])) == []
    assert capsys.readouterr().err == (
        "--where depth=2 and outcome=convergd: it holds for none of 4 runs that are stored\n"
    )
    chosen(ROWS, conditions(["depth=2"]))
    chosen(ROWS, [])
    assert capsys.readouterr().err == ""


def test_curves_are_narrowed_in_x_and_series(capsys: pytest.CaptureFixture[str]) -> None:
    """Lists have a value for each x; what has no series stays; counts are those of what is left."""
    line = {"median": [1.0, 2.0, 3.0], "runs": [1, 1, 1]}
    document = {
        "x": {"name": "init_scale", "values": [0.1, 0.2, 0.3]},
        "series": {"name": "step_size"},
        "counts": {"runs": 6},
        "curves": [line | {"series": 0.5}, line | {"series": 0.9}],
        "baselines": [{"series": None, "value": 1.0}],
        "flow_limits": [],
        "kernel_limits": [],
    }
    found = narrowed(document, conditions(["init_scale>0.1 and step_size<0.6"]))
    assert found["x"]["values"] == [0.2, 0.3]
    assert found["curves"] == [{"series": 0.5, "median": [2.0, 3.0], "runs": [1, 1]}]
    assert found["counts"] == {"runs": 2}
    assert found["baselines"] == document["baselines"]
    assert capsys.readouterr().err == ""
    assert narrowed(document, conditions(["init_scale=0.15"]))["x"]["values"] == []
    assert "init_scale=0.15: nothing is left of the curves" in capsys.readouterr().err
    with pytest.raises(StepbiasError, match="takes one value: depth=VALUE"):
        narrowed(document, conditions(["depth>2"]))
