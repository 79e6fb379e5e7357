"""The paper's figures as specs."""

import pytest

from core.errors import InvalidChoice
from core.presets import PRESETS, Size, preset
from core.spec.experiment_spec import ExperimentSpec, SparseRegression
from core.sweep.grid import Grid

LARGEST_STABLE_STEP = 0.0079945  # of the default data set, as computed by an independent solver


@pytest.mark.parametrize(("name", "size"), [(known.name, size) for known in PRESETS.values() for size in known.sizes])
def test_every_preset_is_a_full_spec_in_every_size(name: str, size: Size) -> None:
    """It reads back from its own document, as a user would post it."""
    spec = preset(name, size)
    assert ExperimentSpec.model_validate_json(spec.canonical()) == spec
    assert spec.name == f"{name}, {size}"
    assert name in spec.tags


@pytest.mark.parametrize("size", Size)
def test_figure_1_is_the_setting_of_the_paper(size: Size) -> None:
    """The default data, scales over [1e-3, 3], a slow warm-up, and no step size that cannot converge."""
    spec = preset("figure-1", size)
    assert spec.data == SparseRegression(kind="sparse_regression")
    axes = {axis.name: axis.values for axis in Grid(spec).axes}
    assert (min(axes["init_scale"]), max(axes["init_scale"])) == (1e-3, 3.0)
    fractions = axes.get("step_size_fraction") or [step / LARGEST_STABLE_STEP for step in axes["step_size"]]
    assert 0.98 < max(fractions) <= 0.99
    assert spec.optimizer.warmup_steps == 100_000


@pytest.mark.parametrize("name", ["figure-1", "figure-2", "figure-5", "figure-6"])
def test_the_smallest_step_of_a_quick_figure_is_that_of_the_paper(name: str) -> None:
    """η = 1e-4 on the default data; for UV, whose η* is twice as large, the same multiple of it."""
    axes = {axis.name: axis.values for axis in Grid(preset(name, "quick")).axes}
    assert min(axes["step_size_fraction"]) * LARGEST_STABLE_STEP == pytest.approx(1e-4, rel=0.001)


def test_the_demo_contains_the_runs_that_are_quoted() -> None:
    """Scales .0464, .3 and 1 at 7.9e-3 appear in the text as numbers."""
    axes = {axis.name: axis.values for axis in Grid(preset("figure-1", "demo")).axes}
    assert {0.0464, 0.3, 1.0} <= set(axes["init_scale"])
    assert 7.9e-3 in axes["step_size"]


@pytest.mark.parametrize("name", PRESETS)
def test_sizes_grow(name: str) -> None:
    """A larger size computes more runs, and the least is what is given where none is asked for."""
    sizes = list(PRESETS[name].sizes)
    lengths = [len(Grid(preset(name, size))) for size in sizes]
    assert lengths == sorted(set(lengths))
    assert sizes[-2:] == [Size.QUICK, Size.FULL]
    assert preset(name) == preset(name, sizes[0])


def test_the_full_figure_1_is_that_of_the_paper() -> None:
    """20 scales by 10 step sizes."""
    assert len(Grid(preset("figure-1", Size.FULL))) == 200


def test_a_preset_can_be_replicated_over_data_seeds() -> None:
    """Each on its own data set; one that sweeps more seeds by itself keeps them."""
    single, triple = Grid(preset("figure-3", "quick")), Grid(preset("figure-3", "quick", seeds=3))
    assert (len(triple), triple.problems) == (3 * len(single), 3 * single.problems)
    assert {getattr(run.spec.data, "seed", None) for run in triple.runs()} == {0, 1, 2}
    assert preset("theorem-5.2", "full", seeds=3) == preset("theorem-5.2", "full")
    with pytest.raises(InvalidChoice):
        preset("figure-3", seeds=0)


def test_an_unknown_preset_names_the_known_ones() -> None:
    """And an unknown size the sizes."""
    with pytest.raises(InvalidChoice) as refusal:
        preset("figure-9", "demo")
    assert (refusal.value.field, refusal.value.choices) == ("name", tuple(PRESETS))
    with pytest.raises(InvalidChoice) as refusal:
        preset("figure-1", "huge")
    assert (refusal.value.field, refusal.value.choices) == ("size", ("demo", "quick", "full"))
