"""Specs that read like the paper."""

from typing import Any, get_args

import numpy as np
import pytest
from pydantic import BaseModel

import stepbias as sb
from core.spec.axes import axis_name
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from stepbias.building import KINDS, PLACES

ETAS, ALPHAS = sb.fractions(0.01, 0.99, 8), sb.logspace(1e-3, 3, 20)


def test_the_sweep_of_the_paper() -> None:
    """Step size × scale × seed, in words that the service takes."""
    grid = Grid(ExperimentSpec.model_validate(sb.sweep(step_size=ETAS, init_scale=ALPHAS, seed=range(10))))
    axes = {axis.name: axis.values for axis in grid.axes}
    assert len(grid) == 8 * 20 * 10
    np.testing.assert_allclose(axes["step_size_fraction"], np.linspace(0.01, 0.99, 8), rtol=1e-14)
    assert (axes["step_size_fraction"][0], axes["step_size_fraction"][-1]) == (0.01, 0.99)
    assert axes["seed"] == tuple(range(10))
    np.testing.assert_allclose(axes["init_scale"], np.geomspace(1e-3, 3, 20), rtol=1e-11)


@pytest.mark.parametrize(
    ("told", "part", "wanted"),
    [
        ({"depth": 3}, "model", {"kind": "diagonal", "depth": 3}),
        ({"uv_shape": [0.1, 0.5]}, "model", {"kind": "uv", "shape": {"values": [0.1, 0.5]}}),
        ({"correlation": [0.0, 0.5]}, "data", {"correlation": {"values": [0.0, 0.5]}}),
        ({"data_mean": 1.0, "mean_profile": [1.0, -1.0] * 50}, "data", {"mean_profile": [1.0, -1.0] * 50}),
        ({"support": "random", "signs": "random"}, "data", {"support": "random", "signs": "random"}),
        (
            {"momentum": 0.9, "step_size": sb.effective([0.1, 0.2])},
            "optimizer",
            {"kind": "heavy_ball", "effective_step_sizes": [0.1, 0.2]},
        ),
        ({"momentum": 0.9}, "optimizer", {"kind": "heavy_ball", "momentum": 0.9}),
        ({"batch_size": np.array([1, 5])}, "optimizer", {"kind": "sgd", "batch_size": {"values": [1, 5]}}),
        ({"momentum": [0.0, 0.9], "batch_size": 5}, "optimizer", {"kind": "sgd", "momentum": {"values": [0.0, 0.9]}}),
        ({"sampling": "epochs", "batch_size": 5}, "optimizer", {"kind": "sgd", "sampling": "epochs"}),
        (
            {"sampling": "indices", "indices": [[0, 1], [1, 1]], "batch_size": 2},
            "optimizer",
            {"kind": "sgd", "indices": [[0, 1], [1, 1]]},
        ),
        (
            {"label_noise_variance": 0.1, "noise_steps": 9, "noise_from": 2, "batch_size": 5},
            "optimizer",
            {"kind": "label_noise", "noise_from": 2, "batch_size": 5},
        ),
        ({"label_noise_variance": 0.1, "noise_steps": 9}, "optimizer", {"kind": "label_noise", "noise_steps": 9}),
        ({"init_seed": 4}, "initialization", {"kind": "normal", "seed": 4}),
        ({"vector": np.ones(100)}, "initialization", {"kind": "vector", "vector": [1.0] * 100}),
        ({"u_plus": 1.0, "u_minus": 0.5}, "initialization", {"kind": "parameters", "u_minus": 0.5}),
        ({"u_plus": np.ones(100), "u_minus": sb.linspace(0, 1, 3)}, "initialization", {"u_plus": [1.0] * 100}),
        ({"model": "uv_product"}, "model", {"kind": "uv_product"}),
        ({"momentum": 0.9, "optimizer": "nesterov"}, "optimizer", {"kind": "nesterov", "momentum": 0.9}),
        ({"rho": 0.1, "ascent": "sample"}, "optimizer", {"kind": "sam", "rho": 0.1, "ascent": "sample"}),
        (
            {"parameter_noise_variance": 0.1, "noise_steps": 9},
            "optimizer",
            {"kind": "parameter_noise", "variance": 0.1},
        ),
        ({"loss_tolerance": 1e-8, "max_steps": 10}, "stopping", {"loss_tolerance": 1e-8, "max_steps": 10}),
        ({"points": 50}, "recording", {"points": 50}),
        ({"data_mean": sb.linspace(0, 1, 5)}, "data", {"mean": {"start": 0, "stop": 1, "num": 5, "spacing": "linear"}}),
        ({"step_size": sb.multiples("flow_stable_step", [0.5, 2])}, "optimizer", {"values": [0.5, 2.0]}),
        ({"step_size": sb.fractions([0.5])}, "optimizer", {"fractions_of_max_stable": [0.5]}),
    ],
)
def test_what_is_told_stands_where_the_service_reads_it(told: Any, part: str, wanted: Any) -> None:
    """With the kind that it belongs to."""
    spec = sb.sweep(**{"step_size": 0.01, "init_scale": 0.1} | told)
    ExperimentSpec.model_validate(spec)
    found = spec[part] | (spec[part]["step_size"] if isinstance(spec[part].get("step_size"), dict) else {})
    assert found.items() >= wanted.items()


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for each in get_args(annotation) for model in _models(each)]


def test_every_member_of_a_spec_can_be_told() -> None:
    """By the name that it has in results; what own data are made of is given as data."""
    given_as_data = {"X", "y", "true_predictor", "held_out_X", "held_out_y", "id", "transform", "kind"}
    fields = {
        (part, field): axis_name(part, field)
        for part, info in ExperimentSpec.model_fields.items()
        for model in _models(info.annotation)
        for field in model.model_fields.keys() - given_as_data
    }
    assert {place: name for name, place in PLACES.items()} == fields


def test_every_kind_is_that_of_its_member() -> None:
    """As far as one member decides it."""
    for name, (part, kind) in KINDS.items():
        models = _models(ExperimentSpec.model_fields[part].annotation)
        having = {model.model_fields["kind"].annotation for model in models if PLACES[name][1] in model.model_fields}
        assert any(kind in get_args(each) for each in having), name


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ((np.eye(2), np.ones(2)), {"kind": "inline", "X": [[1.0, 0.0], [0.0, 1.0]], "y": [1.0, 1.0]}),
        ({"X": [[1.0, 2.0]], "y": [1.0]}, {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}),
        ("0123456789abcdef" * 4, {"kind": "dataset", "id": "0123456789abcdef" * 4}),
        ({"id": "0123456789abcdef" * 4, "samples": 3}, {"kind": "dataset", "id": "0123456789abcdef" * 4}),
        ({"kind": "sparse_regression", "samples": 5}, {"kind": "sparse_regression", "samples": 5}),
    ],
)
def test_own_data_come_as_one_has_them(data: Any, wanted: Any) -> None:
    """Arrays, an upload, or a part of a spec."""
    spec = sb.sweep(data, step_size=sb.fractions([0.5]), init_scale=0.1)
    assert spec["data"] == wanted
    ExperimentSpec.model_validate(spec)


def test_own_data_are_transformed() -> None:
    """As a spec says it."""
    spec = sb.sweep(([[1.0, 2.0]], [1.0]), step_size=0.1, init_scale=0.1, transform={"X": "centre"})
    assert spec["data"]["transform"] == {"X": "centre"}


def test_axes_are_linked_by_their_names() -> None:
    """As one axis."""
    spec = sb.sweep(step_size=[0.1, 0.2], momentum=[0.5, 0.9], init_scale=0.1, linked=[("step_size", "momentum")])
    assert spec["zip"] == [["step_size", "momentum"]]
    assert len(Grid(ExperimentSpec.model_validate(spec))) == 2


@pytest.mark.parametrize("told", [{"tags": "thesis"}, {"linked": "seed"}, {"linked": ["seed", "init_seed"]}])
def test_the_letters_of_a_name_are_no_names(told: dict[str, Any]) -> None:
    """A list was meant."""
    with pytest.raises(sb.UnusableValue, match="one name stands where several are expected"):
        sb.sweep(step_size=0.1, **told)


def test_a_sweep_has_a_name_and_tags() -> None:
    """Where they are given."""
    assert sb.sweep(step_size=0.1, name="mine", tags=("a", "b")).items() >= {"name": "mine", "tags": ["a", "b"]}.items()
    assert not {"name", "tags"} & sb.sweep(step_size=0.1).keys()


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"stepsize": 0.1}, "nothing called stepsize can be told of a sweep; did you mean step_size?"),
        ({"qqq": 0.1}, "nothing called qqq can be told of a sweep: these are samples, "),
        (
            {"momentum": 0.9, "label_noise_variance": 1},
            "momentum and label_noise_variance exclude each other: no optimizer has both",
        ),
    ],
)
def test_what_cannot_be_told_is_a_type_error(told: Any, complaint: str) -> None:
    """As for a keyword that a function does not have."""
    with pytest.raises(TypeError, match="^" + complaint.replace("?", r"\?")):
        sb.sweep(**told)


def test_a_value_that_cannot_be_sent_is_pointed_at() -> None:
    """At its place in the spec."""
    with pytest.raises(sb.UnusableValue, match="/optimizer/step_size: nan is no finite number"):
        sb.sweep(step_size=float("nan"))
    with pytest.raises(sb.UnusableValue, match="/data: this is"):
        sb.sweep(3, step_size=0.1)


@pytest.mark.parametrize("given", [(), (0.1, 0.9), (0.1, 0.5, 0.9, 4)])
def test_multiples_are_a_range_or_a_list(given: Any) -> None:
    """Anything else is told from both."""
    with pytest.raises(TypeError, match="a start, a stop and how many values are wanted, or one list"):
        sb.fractions(*given)
