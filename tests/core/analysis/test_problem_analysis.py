"""The analysis of a problem as the document that is stored."""

import json

import pytest

from core.analysis.problem import analyse_problem
from core.analysis.problem_analysis import ProblemAnalysis
from core.networks.network import Diagonal
from tests.core.problems import paper_problem


@pytest.fixture(scope="module")
def analysis() -> ProblemAnalysis:
    """That of the paper's data."""
    return analyse_problem(paper_problem(), Diagonal(2), "key").analysis


def test_what_is_written_is_read(analysis: ProblemAnalysis) -> None:
    """Every number to the bit, every interpolator by its name."""
    read = ProblemAnalysis.from_json(analysis.to_json())
    assert read == analysis
    assert read.interpolators.keys() == {"min_l1", "min_l2", "least_trace", "least_stability_measure", "flattest"}
    assert read.interpolators["flattest"].objective == read.min_sharpness_upper


def test_a_document_of_another_release_can_be_read(analysis: ProblemAnalysis) -> None:
    """What it does not say is not known; what it says besides is left out."""
    document = json.loads(analysis.to_json())
    del document["least_squared_mean"], document["interpolators"]["min_l1"]["residual"]
    document["added"] = document["interpolators"]["min_l1"]["added"] = 1.0
    read = ProblemAnalysis.from_json(json.dumps(document).encode())
    assert read.least_squared_mean is None
    assert read.interpolators["min_l1"].residual is None
    assert read.largest_second_moment == analysis.largest_second_moment


def test_what_json_cannot_say_is_not_written() -> None:
    """An analysis has no infinities: where one would be, nothing is known."""
    infinite = ProblemAnalysis(
        data_key="", network="", depth=2, digest="", samples=1, dimension=1, max_stable_step=float("inf")
    )
    with pytest.raises(ValueError, match="not JSON compliant"):
        infinite.to_json()
