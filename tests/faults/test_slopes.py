"""Slopes, their errors, and what is sampled."""

import math
import os
import random
from pathlib import Path

import numpy as np
import pytest

from tests.faults.sampling import open_files, resident_bytes
from tests.faults.slopes import slope_of

HOUR = 3600.0


def series(slope: float, noise: float, *, hours: float = 1.0, seed: int = 0) -> list[tuple[float, float]]:
    """A sample every 10 s of something of size 100 that changes by so much in an hour."""
    rng = random.Random(seed)
    moments = [10.0 * number for number in range(int(hours * 360))]
    return [(moment, 100.0 + slope * moment / HOUR + rng.gauss(0.0, noise)) for moment in moments]


def test_the_slope_of_a_line_is_found_without_an_error() -> None:
    """Per hour."""
    found = slope_of([series(7.0, 0.0)])
    assert found.slope == pytest.approx(7.0)
    assert found.error == pytest.approx(0.0, abs=1e-9)
    assert found.blocks == 60


def test_the_error_is_that_of_least_squares() -> None:
    """As NumPy's covariance has it, without blocks."""
    points = series(2.0, 3.0)
    found = slope_of([points], block=10.0)
    (slope, _), covariance = np.polyfit([at / HOUR for at, _ in points], [value for _, value in points], 1, cov=True)
    assert found.slope == pytest.approx(slope)
    assert found.error == pytest.approx(math.sqrt(covariance[0, 0]))


def test_processes_of_one_kind_share_a_slope_and_no_level() -> None:
    """As least squares have it with a column of ones for each process."""
    many = [[(at, value + 50.0 * number) for at, value in series(2.0, 3.0, seed=number)] for number in range(3)]
    found = slope_of([points[: 100 * (number + 1)] for number, points in enumerate(many)], block=10.0)
    rows = [
        (at / HOUR, value, number) for number, points in enumerate(many) for at, value in points[: 100 * (number + 1)]
    ]
    times, values, owners = map(np.array, zip(*rows, strict=True))
    columns = np.column_stack([times, *(owners == number for number in range(3))])
    fitted, squares, _, _ = np.linalg.lstsq(columns, values, rcond=None)
    variance = squares[0] / (len(rows) - 4) * np.linalg.inv(columns.T @ columns)[0, 0]
    assert found.slope == pytest.approx(fitted[0])
    assert found.error == pytest.approx(math.sqrt(variance))
    assert found.processes == 3


@pytest.mark.parametrize(("slope", "noise", "grows"), [(0.0, 1.0, False), (10.0, 1.0, True), (1.0, 0.0, False)])
def test_what_grows_is_told_from_noise_and_from_what_is_negligible(slope: float, noise: float, *, grows: bool) -> None:
    """10 % an hour grow, 1 % do not, however exactly they are known; nor does what only fluctuates."""
    assert slope_of([series(slope, noise)]).grows is grows


def test_few_false_alarms_are_given() -> None:
    """Of 200 series that do not grow, one in a thousand of which is 3 standard errors off."""
    assert sum(slope_of([series(0.0, 30.0, seed=seed)]).grows for seed in range(200)) <= 2


def test_a_slope_of_three_minutes_is_not_judged() -> None:
    """However steep: a process that has just begun grows."""
    found = slope_of([series(1000.0, 0.0, hours=0.05)])
    assert not found.is_judged
    assert not found.grows


def test_of_six_minutes_what_they_have_seen_counts() -> None:
    """And not what an hour of them would be: 1 % of the mean is negligible, 5 % are not."""
    assert not slope_of([series(10.0, 0.0, hours=0.1)]).grows
    assert slope_of([series(50.0, 0.0, hours=0.1)]).grows


def test_what_this_process_has_is_seen(tmp_path: Path) -> None:
    """Memory that is touched, files that are opened."""
    before = resident_bytes(os.getpid()), open_files(os.getpid())
    held = bytearray(os.urandom(1)) * 50_000_000
    files = [(tmp_path / str(number)).open("w") for number in range(5)]
    try:
        assert resident_bytes(os.getpid()) >= before[0] + 0.8 * len(held)
        assert open_files(os.getpid()) == before[1] + 5
    finally:
        for each in files:
            each.close()
