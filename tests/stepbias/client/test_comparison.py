"""Two experiments beside each other."""

import asyncio
import json
import math
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from stepbias import AsyncClient, Client, ExperimentHandle, UnusableValue
from stepbias.cli.main import app
from stepbias.comparison import Comparison
from tests.stepbias.client.living_service import LivingService, living_service, small_spec


@pytest.fixture(scope="module")
def service() -> Iterator[LivingService]:
    """A service for the tests of this file, at work."""
    with living_service() as service, service.at_work():
        yield service


@pytest.fixture(scope="module")
def both(service: LivingService) -> Iterator[tuple[ExperimentHandle, ExperimentHandle]]:
    """Two that share two of three initialisation scales; the second warms up longer."""
    scales = {"kind": "uniform", "scale": {"values": [0.3, 1.0, 2.0]}}
    optimizer = small_spec()["optimizer"] | {"warmup_steps": 200}
    with Client(service.url) as client:
        first = client.submit(small_spec(name="one"))
        second = client.submit(small_spec(name="other", initialization=scales, optimizer=optimizer))
        yield first.wait(timeout=60), second.wait(timeout=60)


def test_runs_are_paired_by_the_axes_that_both_sweep(both: tuple[ExperimentHandle, ExperimentHandle]) -> None:
    """The others are counted; what differs in the specs is named by its place."""
    found = both[0].compare(both[1])
    assert found.axes == ("init_scale", "step_size_fraction")
    assert found.pairs == ((2, 0), (3, 1), (4, 2), (5, 3))
    assert (found.only_first, found.only_second) == ((0, 1), (4, 5))
    assert found.parameters["/optimizer/warmup_steps"] == (100, 200)
    assert found.parameters["/name"] == ("one", "other")


def test_differences_are_those_of_the_results(both: tuple[ExperimentHandle, ExperimentHandle]) -> None:
    """Computed anew from the runs one by one."""
    found = both[0].compare(both[1])
    runs = [[each["summary"] for each in handle.runs()] for handle in both]
    pairs = [(runs[0][one]["l1_norm"], runs[1][other]["l1_norm"]) for one, other in found.pairs]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    (difference,) = [each for each in found.differences if each.quantity == "l1_norm"]
    assert difference.runs == len(known)
    assert difference.greatest == max(abs(b - a) for a, b in known)
    assert difference.greatest > 0
    (same,) = [each for each in found.differences if each.quantity == "depth"]
    assert (same.equal, same.greatest, same.pair) == (4, 0.0, None)
    (words,) = [each for each in found.differences if each.quantity == "outcome"]
    assert words.greatest is None


def test_a_comparison_is_a_table(both: tuple[ExperimentHandle, ExperimentHandle]) -> None:
    """A row for each pair."""
    found = both[0].compare(both[1])
    table = found.to_pandas()
    assert list(table["init_scale"]) == [0.3, 0.3, 1.0, 1.0]
    first, second = table["l1_norm_first"], table["l1_norm_second"]
    assert ((table["l1_norm_difference"] == second - first) | (first - second).isna()).all()
    assert "outcome_difference" not in table


def test_both_clients_and_the_command_compare(
    service: LivingService, both: tuple[ExperimentHandle, ExperimentHandle]
) -> None:
    """Alike."""

    async def compared() -> Comparison:
        async with AsyncClient(service.url) as client:
            one, other = [await client.experiment(each.id) for each in both]
            return await one.compare(other)

    document = both[0].compare(both[1]).to_document()
    assert asyncio.run(compared()).to_document() == document
    words = ["compare", *(each.id[:8] for each in both), "--url", service.url]
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout) == json.loads(json.dumps(document))
    page = CliRunner().invoke(app, [*words, "--quantity", "l1_norm"]).stdout
    assert "4 runs in common, by init_scale, step_size_fraction" in page
    assert "only in the first 2, only in the second 2" in page
    assert "/optimizer/warmup_steps: 100 and 200" in page
    assert page.splitlines()[-1].startswith("l1_norm")
    refused = CliRunner().invoke(app, [*words, "--quantity", "l1_nrom", "--json"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "--quantity l1_nrom: both experiments have no such result; they have l1_norm" in refused.stderr


def test_missing_numbers_are_in_no_difference() -> None:
    """Nor is an axis that only one sweeps."""

    def labelled(values: list[float | None], axis: str) -> dict[str, object]:
        return {
            "dims": {axis: 2},
            "coords": {axis: {"dims": [axis], "data": [1.0, 2.0]}},
            "data_vars": {"risk": {"dims": [axis], "data": values}},
        }

    found = Comparison.of(("a", labelled([None, 4.0], "seed"), b"{}"), ("b", labelled([1.0, 5.0], "seed"), b"{}"))
    (risk,) = found.differences
    assert (risk.runs, risk.greatest, risk.pair) == (1, 1.0, 1)
    assert math.isclose(risk.greatest_relative or 0.0, 0.2)
    crossed = Comparison.of(("a", labelled([1.0, 1.0], "seed"), b"{}"), ("b", labelled([1.0, 5.0], "depth"), b"{}"))
    assert crossed.axes == ()
    assert len(crossed.pairs) == 4


def test_sweeps_without_a_common_axis_are_not_compared_run_by_run() -> None:
    """Two of 1,100 runs are more than a million pairs."""
    results = {
        axis: {
            "attrs": {},
            "dims": {axis: 1100},
            "coords": {axis: {"dims": (axis,), "data": list(range(1100)), "attrs": {}}},
            "data_vars": {"l1_norm": {"dims": (axis,), "data": [1.0] * 1100, "attrs": {}}},
        }
        for axis in ("depth", "seed")
    }
    with pytest.raises(UnusableValue, match="1210000 pairs"):
        Comparison.of(("a", results["depth"], b"{}"), ("b", results["seed"], b"{}"))
