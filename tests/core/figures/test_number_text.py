"""Numbers along an axis."""

import pytest

from core.figures.number_text import numbers_in_one_format


@pytest.mark.parametrize(
    ("values", "linear", "texts"),
    [
        ([0.2, 0.4, 1.0], True, ["0.2", "0.4", "1.0"]),
        ([-0.5, 0.0, 0.5], True, ["-0.5", "0", "0.5"]),
        ([0.001, 0.1, 10.0], False, ["0.001", "0.1", "10"]),
        ([1.05, 1.2, 1.35], False, ["1.05", "1.20", "1.35"]),
        ([1e-5, 1e-3, 1.0, 20.0], False, ["10⁻⁵", "10⁻³", "10⁰", "2·10¹"]),
        ([0.0, 1e6, 3e6], True, ["0", "10⁶", "3·10⁶"]),
        ([], False, []),
    ],
)
def test_all_are_written_alike(values: list[float], linear: bool, texts: list[str]) -> None:  # noqa: FBT001
    """As powers of ten where one of them needs that; otherwise with as many decimals where they are of one size."""
    assert numbers_in_one_format(values, is_linear=linear) == texts
