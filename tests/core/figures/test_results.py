"""What figures are drawn from."""

import pytest

from tests.core.made_up import results_of
from tests.core.specs import every_figure


def test_results_have_one_summary_for_each_run() -> None:
    """Or None: a figure that counted wrongly would show one run as another."""
    with pytest.raises(ValueError, match="7 summaries for 16 runs"):
        results_of(every_figure(), [None] * 7)
