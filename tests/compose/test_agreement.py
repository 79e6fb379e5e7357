"""What the drill of the deployment would notice."""

import copy
import math
from typing import Any

from tests.compose.agreement import compare


def _results(*, kernel: str = "numpy/openblas/Zen") -> dict[str, Any]:
    return {
        "coords": {"init_scale": {"data": [0.1, 1.0]}},
        "data_vars": {
            "outcome": {"data": [["converged"], ["diverged"]]},
            "excess_risk": {"data": [[0.25], [None]]},
            "kernel_id": {"data": [[kernel], [kernel]]},
        },
    }


def _with_risk(risk: float | None, **options: str) -> dict[str, Any]:
    results = _results(**options)
    results["data_vars"]["excess_risk"]["data"][0][0] = risk
    return results


def test_equal_results_agree() -> None:
    """Two copies, and every pair of numbers is counted."""
    agreement = compare(_results(), copy.deepcopy(_results()))
    assert agreement.faults == ()
    assert agreement.kernels == ("numpy/openblas/Zen",)
    assert agreement.numbers == 3
    assert agreement.largest_difference == 0.0


def test_one_bit_is_noticed_within_one_kernel() -> None:
    """The next float64 is another number."""
    agreement = compare(_results(), _with_risk(math.nextafter(0.25, 1)))
    assert agreement.faults == ("excess_risk is not the same to the bit",)
    assert agreement.largest_difference == math.ulp(0.25)


def test_a_variable_that_one_side_lacks_is_noticed() -> None:
    """Such as that of an older image."""
    older = _results()
    del older["data_vars"]["outcome"]
    assert compare(_results(), older).faults == ("outcome is not the same to the bit",)


def test_another_kernel_may_differ_a_little() -> None:
    """By a percent and a half of the risk, but not by three percent, and not by being absent."""
    assert compare(_results(), _with_risk(0.25375, kernel="numpy/openblas/Haswell")).faults == ()
    assert len(compare(_results(), _with_risk(0.2575, kernel="numpy/openblas/Haswell")).faults) == 1
    assert len(compare(_results(), _with_risk(None, kernel="numpy/openblas/Haswell")).faults) == 1


def test_another_kernel_may_not_change_an_outcome() -> None:
    """Converged and diverged are not a rounding apart."""
    other = _results(kernel="numpy/openblas/Haswell")
    other["data_vars"]["outcome"]["data"][1][0] = "converged"
    assert compare(_results(), other).faults == ("outcome is not the same",)
