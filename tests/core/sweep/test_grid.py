"""The grid of an experiment."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.identity import NUMERICS_VERSION, content_hash
from core.results.variables import COORDINATES, VARIABLES
from core.spec.experiment_spec import ExperimentSpec
from core.spec.optimizers import EFFECTIVE_STEP_SIZE, StepUnit
from core.sweep.grid import Grid
from tests.core.specs import SCALES, SEEDS, STEP_SIZES, document, fan, grid_of

UNHURRIED = settings(deadline=None, max_examples=50)
AXES = st.lists(st.integers(min_value=0, max_value=50), min_size=1, max_size=4, unique=True)


def _grid(seeds: list[int], warmups: list[int], depths: list[int]) -> Grid:
    return grid_of(
        data={"seed": {"values": seeds}},
        model={"kind": "diagonal", "depth": {"values": [depth + 2 for depth in depths]}},
        optimizer={"warmup_steps": {"values": warmups}},
    )


def test_the_order_is_the_product_with_the_last_axis_fastest() -> None:
    """Data, initialisation, optimiser: all runs of one data set are neighbours."""
    grid = fan()
    names = [axis.name for axis in grid.axes]
    assert names == ["seed", "init_scale", "step_size"]
    expected = [dict(zip(names, values, strict=True)) for values in itertools.product(SEEDS, SCALES, STEP_SIZES)]
    assert [grid.coordinates(index) for index in range(len(grid))] == expected


@given(AXES, AXES, AXES)
@UNHURRIED
def test_no_two_runs_of_a_grid_have_the_same_key(seeds: list[int], warmups: list[int], depths: list[int]) -> None:
    """A key is a run's identity: as many keys as runs."""
    grid = _grid(seeds, warmups, depths)
    keys = {run.key for run in grid.runs()}
    assert len(keys) == len(grid) == len(seeds) * len(warmups) * len(depths)


@given(AXES, AXES, AXES, st.integers(min_value=51, max_value=60))
@UNHURRIED
def test_a_value_added_to_an_axis_keeps_the_keys_of_the_other_runs(
    seeds: list[int], warmups: list[int], depths: list[int], added: int
) -> None:
    """Extending a grid computes only what is new, on a data axis and on any other."""
    keys = {run.key for run in _grid(seeds, warmups, depths).runs()}
    assert keys < {run.key for run in _grid([added, *seeds], warmups, depths).runs()}
    assert keys < {run.key for run in _grid(seeds, [*warmups, added], depths).runs()}


@given(AXES, AXES, AXES)
@UNHURRIED
def test_each_run_is_the_run_of_its_own_document(seeds: list[int], warmups: list[int], depths: list[int]) -> None:
    """A run alone, from its plain numbers, has the key that it has in the grid."""
    runs = list(_grid(seeds, warmups, depths).runs())
    assert len(runs) == len(seeds) * len(warmups) * len(depths)
    for run in runs:
        alone = Grid(ExperimentSpec.model_validate(run.spec.document())).run(0)
        assert (alone.key, alone.data_key) == (run.key, run.data_key)


@pytest.mark.parametrize(
    ("model", "runs"), [({"kind": "diagonal", "depth": {"values": [2, 3]}}, 8), ({"kind": "uv", "shape": 0.5}, 4)]
)
def test_the_key_of_a_run_is_the_hash_of_its_document(model: dict[str, Any], runs: int) -> None:
    """With its data by their own hash, and the numerics version beside it."""
    step_size = {"fractions_of_max_stable": [0.1, 1 / 3]}
    grid = grid_of(data={"mean": {"values": [0.1 + 0.2, -1.0]}}, model=model, optimizer={"step_size": step_size})
    assert len(grid) == runs
    for run in grid.runs():
        written = run.spec.document()
        assert run.data_key == content_hash(written["data"])
        assert run.key == content_hash(written | {"data": run.data_key, "numerics": NUMERICS_VERSION})


def test_a_problem_is_that_of_its_runs() -> None:
    """The shape of a UV start is swept without being one; so are scales."""
    grid = grid_of(
        data={"seed": {"values": SEEDS}, "mean": {"values": [1.0, 5.0]}},
        model={"kind": "uv", "shape": {"values": [0.0, 0.5]}},
        initialization={"scale": {"values": SCALES}},
    )
    assert (grid.problems, grid.runs_per_problem) == (2 * len(SEEDS), 2 * len(SCALES))
    for run in grid.runs():
        problem = grid.problem_of(run.index)
        assert (problem.key, problem.data_key, problem.data) == (run.problem_key, run.data_key, run.spec.data)
        assert problem.coordinates.items() <= grid.coordinates(run.index).items()
        assert problem.number == run.index // grid.runs_per_problem
    assert [problem.number for problem in grid.each_problem()] == list(range(grid.problems))
    with pytest.raises(IndexError):
        grid.problem(grid.problems)


def test_a_grid_has_more_points_than_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A point that was let go is made again, the same."""
    keys = [run.key for run in fan().runs()]
    monkeypatch.setattr("core.sweep.grid.POINTS_KEPT", 1)
    small = fan()
    assert [small.run(index).key for index in reversed(range(len(small)))] == keys[::-1]


def test_runs_share_a_data_key_exactly_when_they_share_the_data() -> None:
    """The data key knows nothing of initialisation and optimiser."""
    grid = fan()
    by_seed: dict[Any, set[str]] = {}
    for run in grid.runs():
        by_seed.setdefault(getattr(run.spec.data, "seed", None), set()).add(run.data_key)
    assert all(len(keys) == 1 for keys in by_seed.values())
    assert len(set.union(*by_seed.values())) == len(SEEDS) == grid.problems
    assert grid.runs_per_problem == len(SCALES) * len(STEP_SIZES)


def test_a_run_has_plain_numbers_only() -> None:
    """What a worker reads needs no knowledge of axes."""
    run = fan().run(23)
    assert (run.init_scale, run.step_size, getattr(run.spec.data, "seed", None)) == (1.0, 0.004, 3)
    assert run.warmup_steps == 0
    assert run.resolved_step_size(0.5) == 0.004


def test_fractions_of_the_largest_stable_step_stay_symbolic() -> None:
    """The step size is known only once the data set has been analysed."""
    grid = grid_of(optimizer={"step_size": {"fractions_of_max_stable": [0.5, 0.99]}})
    assert [axis.name for axis in grid.axes] == ["step_size_fraction"]
    run = grid.run(1)
    assert run.step_size is None
    assert run.step_size_fraction == 0.99
    assert run.resolved_step_size(0.008) == pytest.approx(0.00792)


@pytest.mark.parametrize("unit", list(StepUnit))
def test_multiples_of_what_depends_on_the_start_stay_symbolic(unit: StepUnit) -> None:
    """Their axis says of what; no largest stable step makes a number of one."""
    step_size = {"multiples_of": unit.value, "values": [0.5, 2]}
    grid = grid_of(optimizer={"step_size": step_size})
    assert [(axis.name, axis.values) for axis in grid.axes] == [(unit.axis, (0.5, 2.0))]
    assert unit.axis in COORDINATES
    assert unit.value in VARIABLES
    run = grid.run(1)
    assert (run.step_size, run.step_size_fraction) == (None, None)
    assert run.step_multiple is not None
    assert (run.step_multiple.multiple_of, run.step_multiple.value) == (unit, 2.0)
    with pytest.raises(ValueError, match=unit.value):
        run.resolved_step_size(0.01)
    assert len({run.key for run in grid.runs()}) == 2
    written = run.spec.document()
    assert run.key == content_hash(written | {"data": run.data_key, "numerics": NUMERICS_VERSION})


def test_a_grid_without_axes_is_one_run() -> None:
    """Nothing swept, one run."""
    grid = grid_of()
    assert (grid.shape, len(grid), grid.coordinates(0), grid.problems) == ((), 1, {}, 1)


@pytest.mark.parametrize("index", [-1, 24])
def test_an_index_beyond_the_grid_is_refused(index: int) -> None:
    """Also a negative one: a run has one index."""
    grid = fan()
    with pytest.raises(IndexError, match=f"run {index} of 24"):
        grid.run(index)
    with pytest.raises(IndexError):
        grid.coordinates(index)


def test_swept_numbers_of_the_same_name_in_different_parts_are_told_apart() -> None:
    """There are three seeds and two noise variances."""
    two = {"values": [1, 2]}
    grid = grid_of(
        data={"seed": two, "noise_variance": two},
        initialization={"kind": "normal", "seed": two},
        optimizer={"kind": "label_noise", "noise_variance": two, "noise_steps": 5, "seed": two},
    )
    names = [axis.name for axis in grid.axes]
    assert names == ["noise_variance", "seed", "init_seed", "label_noise_variance", "optimizer_seed"]


def test_every_axis_that_can_be_swept_has_a_label() -> None:
    """All kinds of all parts, with everything swept that can be."""
    two = {"values": [0.25, 0.5]}
    whole = {"values": [2, 3]}
    data: dict[str, Any] = dict.fromkeys(("mean", "variance", "noise_variance", "variance_decay"), two)
    data |= dict.fromkeys(("correlation", "true_norm"), two)
    data |= dict.fromkeys(("samples", "dimension", "seed"), whole) | {"sparsity": {"values": [1, 2]}}
    shared = {"step_size": two, "warmup_steps": whole, "weight_decay": two, "weight_decay_until": whole}
    shared |= {"schedule": "cosine", "schedule_steps": whole, "schedule_factor": two}
    undecayed = {name: value for name, value in shared.items() if "decay" not in name}
    optimizers = [
        shared | {"kind": "sgd", "batch_size": {"values": [1, 2]}, "seed": whole},
        shared | {"kind": "label_noise", "noise_variance": two, "noise_steps": whole, "noise_from": {"values": [0, 1]}},
        shared | {"kind": "heavy_ball", "momentum": two, "step_size": {"fractions_of_max_stable": [0.5, 0.9]}},
        undecayed | {"kind": "sam", "rho": two},
        undecayed | {"kind": "parameter_noise", "variance": two, "noise_steps": whole, "seed": whole},
    ]
    models: list[dict[str, Any]] = [
        {"kind": "diagonal", "depth": whole},
        {"kind": "uv", "shape": two},
        *({"kind": "diagonal"},) * 3,
    ]
    parts = dict.fromkeys(("u_plus", "u_minus", "v_plus", "v_minus"), two)
    started = document(model={"kind": "uv"}, initialization={"kind": "parameters", **parts})
    named = {axis.name for axis in Grid(ExperimentSpec.model_validate(started)).axes}
    for model, optimizer in zip(models, optimizers, strict=True):
        body = document(model=model, initialization={"kind": "normal", "scale": two, "seed": whole})
        body["data"] |= data
        body["optimizer"] = optimizer
        named |= {axis.name for axis in Grid(ExperimentSpec.model_validate(body)).axes}
    assert named | {EFFECTIVE_STEP_SIZE} | {unit.axis for unit in StepUnit} == set(COORDINATES)


def test_the_keys_of_a_few_runs_stay_what_they_are() -> None:
    """Canaries: stored runs are found by these. They change with the numerics version, never with a refactoring."""
    grid = fan()
    assert grid.run(0).key == "470e47efeaaf07c0ce2148e98cd5beff64e22fd09ec78c97c3228652b135e8f5"
    assert grid.run(23).key == "0136be4602503da13a1e40d65c0d10bd48501c9acf90d8fc6d27884341058497"
    assert grid.run(0).data_key == "f457821de4ad65f83943bc2f956805e26700c183fa8cf31d901aa833d26cf202"


def test_what_is_recorded_and_where_a_run_stops_leave_its_random_streams_alone() -> None:
    """The key changes, since other curves are stored; the seed does not, since the trajectory is the same."""
    changes: list[dict[str, Any]] = [{}, {"recording": {"points": 7}}, {"stopping": {"max_steps": 10}}]
    runs = [grid_of(**parts).run(0) for parts in changes]
    other = grid_of(initialization={"scale": 0.123}).run(0)
    assert len({run.key for run in (*runs, other)}) == 4
    assert {run.seed for run in runs} == {runs[0].seed}
    assert other.seed != runs[0].seed
