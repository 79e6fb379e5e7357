"""Axes that are swept together, position by position."""

from typing import Any, Final

import numpy as np
import pytest
from pydantic import ValidationError

from core.experiment.run import run
from core.planning.run_table import RunTable
from core.results.result import to_xarray
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.made_up import made_up_summaries
from tests.core.specs import document

MOMENTA: Final = [0.0, 0.5, 0.9]
STEPS: Final = [0.004, 0.001, 0.0004]


def grid_of(links: list[list[str]], **parts: Any) -> Grid:
    """The grid of `document(**parts)` with these links."""
    return Grid(ExperimentSpec.model_validate(document(**parts) | {"zip": links}))


def heavy_balls(**parts: Any) -> Grid:
    """Three pairs of momentum and step size from two scales on two data sets."""
    return grid_of(
        [["momentum", "step_size"]],
        data={"seed": {"values": [3, 4]}},
        initialization={"scale": {"values": [0.1, 1.0]}},
        optimizer={"kind": "heavy_ball", "momentum": {"values": MOMENTA}, "step_size": {"values": STEPS}},
        **parts,
    )


def test_linked_numbers_are_one_axis_with_a_run_for_each_position() -> None:
    """By the name of the first, where the slowest of them would be; every run has the numbers of its place."""
    grid = heavy_balls()
    assert [axis.name for axis in grid.axes] == ["seed", "init_scale", "momentum"]
    assert (grid.shape, len(grid), grid.problems, grid.runs_per_problem) == ((2, 2, 3), 12, 2, 6)
    for index in range(12):
        seed, scale, place = np.unravel_index(index, (2, 2, 3))
        spec = grid.run(index).spec
        assert spec.data.seed == [3, 4][seed]  # type: ignore[union-attr]
        assert spec.initialization.scale == [0.1, 1.0][scale]
        assert (spec.optimizer.momentum, spec.optimizer.step_size) == (MOMENTA[place], STEPS[place])  # type: ignore[union-attr]
        assert grid.coordinates(index) == {
            "seed": [3, 4][seed],
            "init_scale": [0.1, 1.0][scale],
            "momentum": MOMENTA[place],
            "step_size": STEPS[place],
        }


def test_every_run_is_one_of_the_grid_without_links() -> None:
    """The same key: linked or not, a stored run is found."""
    grid = heavy_balls()
    whole = Grid(ExperimentSpec.model_validate(grid.spec.model_dump(mode="json") | {"zip": []}))
    known = {tuple(whole.coordinates(index).items()): whole.run(index).key for index in range(len(whole))}
    by_name = {tuple(sorted(place)): key for place, key in known.items()}
    assert len(whole) == 36
    for index in range(12):
        assert grid.run(index).key == by_name[tuple(sorted(grid.coordinates(index).items()))]


def test_links_are_part_of_the_content_where_there_are_any() -> None:
    """Documents without them keep their hashes."""
    plain = ExperimentSpec.model_validate(document())
    assert "zip" not in plain.model_dump(mode="json")
    assert ExperimentSpec.model_validate(document() | {"zip": []}).canonical() == plain.canonical()
    grid = heavy_balls()
    unlinked = ExperimentSpec.model_validate(grid.spec.model_dump(mode="json") | {"zip": []})
    assert grid.spec.content_hash() != unlinked.content_hash()
    assert ExperimentSpec.model_validate_json(grid.spec.canonical()) == grid.spec


def test_members_of_different_parts_can_be_linked() -> None:
    """Seeds of data, start and optimiser: a replicate for each position. Their problems differ by the data alone."""
    two = {"values": [5, 6]}
    grid = grid_of(
        [["seed", "init_seed", "optimizer_seed"], ["init_scale", "step_size"]],
        data={"seed": two},
        initialization={"kind": "normal", "seed": {"values": [7, 8]}, "scale": {"values": [0.1, 0.2]}},
        optimizer={"kind": "sgd", "batch_size": 5, "seed": {"values": [9, 10]}, "step_size": {"values": [0.01, 0.02]}},
    )
    assert [axis.name for axis in grid.axes] == ["seed", "init_scale"]
    assert (len(grid), grid.problems) == (4, 2)
    assert grid.problem(1).coordinates == {"seed": 6}
    expected = {"seed": 6, "init_seed": 8, "optimizer_seed": 10, "init_scale": 0.1, "step_size": 0.01}
    assert grid.coordinates(2) == expected
    assert grid.problem_of(2).data.seed == 6  # type: ignore[union-attr]


def test_results_have_the_axis_and_beside_it_what_is_linked() -> None:
    """One dimension; the others are coordinates along it, and no results."""
    grid = heavy_balls()
    found = to_xarray(grid, made_up_summaries(grid), {})
    assert found["dims"] == {"seed": 2, "init_scale": 2, "momentum": 3}
    assert found["coords"]["step_size"]["dims"] == ["momentum"]
    assert found["coords"]["step_size"]["data"] == STEPS
    assert "step_size" not in found["data_vars"]
    assert found["data_vars"]["steps"]["dims"] == ["seed", "init_scale", "momentum"]


def test_costs_are_those_of_the_runs() -> None:
    """What is linked counts as what is swept alone."""
    grid = heavy_balls()
    table = RunTable.at(grid, range(6))
    np.testing.assert_array_equal(table.momentum, MOMENTA * 2)
    np.testing.assert_array_equal(table.step_size, STEPS * 2)


def test_an_experiment_with_links_is_trained_at_its_positions() -> None:
    """From spec to results: each run has the numbers of its own position."""
    data = {"kind": "inline", "X": [[1.0, 0.5, 0.2], [0.3, 1.0, 0.4]], "y": [1.0, 1.2]}
    pairs = {"step_size": {"values": [0.05, 0.02]}, "momentum": {"values": [0.0, 0.6]}}
    body = document(optimizer={"kind": "heavy_ball", **pairs})
    spec = ExperimentSpec.model_validate(body | {"data": data, "zip": [["step_size", "momentum"]]})
    results = run(spec)
    assert [summary["step_size"] for summary in results.summaries] == [0.05, 0.02]
    thresholds = [float(summary["stability_threshold"] or 0) for summary in results.summaries]
    assert thresholds == pytest.approx([2 / 0.05, 3.2 / 0.02])
    assert [summary["outcome"] for summary in results.summaries] == ["converged", "converged"]


def test_effective_step_sizes_stay_where_momentum_is_swept() -> None:
    """η = λ(1−m)²: the run of that η, by whatever it is written."""
    grid = grid_of(
        [],
        optimizer={
            "kind": "heavy_ball",
            "momentum": {"values": MOMENTA},
            "step_size": {"effective_step_sizes": [0.01, 0.1]},
        },
    )
    assert [axis.name for axis in grid.axes] == ["effective_step_size", "momentum"]
    for index in range(6):
        at, found = grid.coordinates(index), grid.run(index)
        assert found.step_size == pytest.approx(at["effective_step_size"] * (1 - at["momentum"]) ** 2, rel=1e-11)
        plain = document(optimizer={"kind": "heavy_ball", "momentum": at["momentum"], "step_size": found.step_size})
        assert Grid(ExperimentSpec.model_validate(plain)).run(0).key == found.key
    np.testing.assert_allclose(RunTable.at(grid, range(6)).step_size, [found.step_size for found in grid.runs()])


@pytest.mark.parametrize(
    ("links", "complaint"),
    [
        ([["momentum", "steps"]], "zip has steps, and nothing of that name is swept: seed, init_scale"),
        ([["momentum", "init_scale"]], "axes of one length: momentum and init_scale have 3, 2 values"),
        ([["momentum", "step_size"], ["step_size", "init_scale"]], "zip has step_size twice"),
        ([["seed", "init_scale"]], "can be linked with seeds alone"),
        ([["momentum"]], "at least 2 items"),
    ],
)
def test_links_that_cannot_be_are_refused(links: list[list[str]], complaint: str) -> None:
    """Unknown names, different lengths, a name in two groups, data with what is trained on them, groups of one."""
    spec = heavy_balls().spec.model_dump(mode="json")
    with pytest.raises(ValidationError, match=complaint):
        ExperimentSpec.model_validate(spec | {"zip": links})


def test_without_momentum_there_is_no_effective_step_size() -> None:
    """It would be η itself."""
    with pytest.raises(ValidationError, match="are for heavy_ball and sgd; gradient_descent has no momentum"):
        ExperimentSpec.model_validate(document(optimizer={"step_size": {"effective_step_sizes": [0.1]}}))


def test_an_effective_step_size_that_float64_makes_zero_is_refused() -> None:
    """η = λ(1−m)² underflows; the least λ and the largest m of the sweep decide."""
    smallest = {"kind": "heavy_ball", "step_size": {"effective_step_sizes": [1.0, 1e-300]}}
    for momentum in (1 - 1e-12, {"values": [0.0, 1 - 1e-12]}):
        with pytest.raises(ValidationError, match=r"the step size 1e-300·\(1 − m\)² at m = 0.999999999999 is 0"):
            ExperimentSpec.model_validate(document(optimizer=smallest | {"momentum": momentum}))
    ExperimentSpec.model_validate(document(optimizer=smallest | {"momentum": 0.9}))


def test_linked_numbers_of_the_data_have_to_fit_where_they_meet() -> None:
    """A support may grow with the dimension; without the link, or where one pair does not fit, it is refused."""
    data = {"sparsity": {"values": [2, 50]}, "dimension": {"values": [20, 500]}}
    link = [["sparsity", "dimension"]]
    assert len(grid_of(link, data=data)) == 2
    with pytest.raises(ValidationError, match="sparsity 50 exceeds dimension 20"):
        grid_of([], data=data)
    with pytest.raises(ValidationError, match="sparsity 50 exceeds dimension 20"):
        grid_of(link, data=data | {"sparsity": {"values": [50, 2]}})


@pytest.mark.parametrize(
    ("links", "met"),
    [
        ([], {(s, d, n) for s in (1, 9) for d in (2, 30) for n in (0.0, 0.5)}),
        ([["dimension", "samples"]], {(1, 30, 0.0), (9, 2, 0.0), (5, 7, 0.0), (1, 30, 0.5), (9, 2, 0.5), (5, 7, 0.5)}),
        ([["samples", "noise_variance", "dimension"]], {(1, 30, 0.0), (9, 2, 0.5), (5, 7, 0.1)}),
    ],
)
def test_extremes_of_the_data_are_those_of_data_sets(links: list[list[str]], met: set[tuple[float, ...]]) -> None:
    """Ends of what is not linked, every position of what is."""
    swept = {"samples": [1, 9, 5], "dimension": [30, 2, 7], "noise_variance": [0.0, 0.5, 0.1]}
    spec = grid_of(links, data={name: {"values": each} for name, each in swept.items()} | {"sparsity": 1}).spec
    assert set(spec.extremes_of("data", "samples", "dimension", "noise_variance")) == met


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        ({"step_size": {"values": [0.5, 0.001]}, "weight_decay": {"values": [0.1, 100]}}, "turn the signs"),
        (
            {
                "kind": "label_noise",
                "step_size": 0.001,
                "noise_variance": 0.1,
                "noise_from": {"values": [5, 50]},
                "noise_steps": {"values": [20, 80]},
            },
            "leaves no noise",
        ),
    ],
)
def test_numbers_of_an_optimiser_that_never_meet_are_not_held_against_each_other(
    optimizer: dict[str, Any], said: str
) -> None:
    """Linked they fit pair by pair; as a product, or linked the other way round, they do not."""
    axes = [name for name, value in optimizer.items() if isinstance(value, dict)]
    assert len(grid_of([axes], optimizer=optimizer)) == 2
    turned = optimizer | {axes[0]: {"values": optimizer[axes[0]]["values"][::-1]}}
    for links, told in (([], optimizer), ([axes], turned)):
        with pytest.raises(ValidationError, match=said):
            grid_of(links, optimizer=told)
