"""A whole experiment as a function."""

from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from core.data.user_arrays import UserArrays
from core.descent.kernel import NUMPY, chosen, kernel_id
from core.descent.optimizers import HeavyBall
from core.errors import InvalidData, NoInterpolator
from core.experiment.run import Progress, run
from core.spec.experiment_spec import ExperimentSpec
from core.spec.optimizers import StepUnit
from tests.core.specs import document

X, Y = [[1.0, 2.0, 0.5, 1.5], [0.5, 1.0, 2.0, 1.0]], [1.0, 0.5]
STOPPING = {"loss_tolerance": 1e-6, "max_steps": 20_000}
FRACTIONS = {"step_size": {"fractions_of_max_stable": [0.3, 0.9]}}
UPLOADED = UserArrays.of({"X": np.array(X), "y": np.array(Y)})


def spec(**parts: dict[str, object]) -> ExperimentSpec:
    """Two samples in four dimensions; a run takes some milliseconds."""
    small = {"data": {"kind": "inline", "X": X, "y": Y}, "stopping": STOPPING, "recording": {"points": 4}}
    return ExperimentSpec.model_validate(document(**(small | parts)))


def test_every_run_has_its_results_in_the_order_of_the_grid() -> None:
    """Whatever order the batches ended in; the analysis and the interpolators of every problem are there."""
    depths = {"kind": "diagonal", "depth": {"values": [2, 3]}}
    asked = spec(model=depths, initialization={"scale": {"values": [0.1, 1.0]}}, optimizer=FRACTIONS)
    results = run(asked)
    runs = list(results.grid.runs())
    assert [summary["init_scale"] for summary in results.summaries] == [entry.init_scale for entry in runs]
    assert [summary["depth"] for summary in results.summaries] == [2] * 4 + [3] * 4
    for entry, summary, arrays in zip(runs, results.summaries, results.arrays, strict=True):
        largest = results.analyses[entry.problem_key].max_stable_step
        assert largest is not None
        assert summary["step_size"] == entry.resolved_step_size(largest)
        assert arrays["u_plus"].shape == (4,)
    keys = {problem.key for problem in results.grid.each_problem()}
    assert results.analyses.keys() == results.interpolators.keys() == keys


def test_progress_goes_on_to_the_end() -> None:
    """Never back; the last report says that everything is done."""
    reports: list[Progress] = []
    run(spec(initialization={"scale": {"values": [0.1, 0.3, 1.0]}}), on_progress=reports.append)
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)
    assert reports[-1] == Progress(fraction=1.0, runs_done=3, runs_total=3)


def test_matrices_are_multiplied_by_one_thread() -> None:
    """Since another number gives other bits; whoever calls has as many as before afterwards."""

    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    seen: set[int] = set()
    with threadpool_limits(limits=2, user_api="blas"):
        run(spec(), on_progress=lambda _: seen.update(threads()))
        assert threads() == {2}
    assert seen == {1}


def test_a_run_of_a_larger_experiment_is_the_run_alone() -> None:
    """To the bit: nothing that is beside it in a batch changes it."""
    both = run(spec(initialization={"scale": {"values": [0.1, 1.0]}}))
    alone = run(spec(initialization={"scale": 1.0}))
    assert both.summaries[1] == alone.summaries[0]
    for name, array in alone.arrays[0].items():
        np.testing.assert_array_equal(both.arrays[1][name], array, strict=True)


@pytest.mark.parametrize("model", [{"kind": "diagonal"}, {"kind": "diagonal", "depth": 3}, {"kind": "uv"}])
@pytest.mark.parametrize("kernel", [NUMPY, "auto"])
def test_heavy_ball_without_momentum_is_gradient_descent(model: dict[str, object], kernel: str) -> None:
    """To the bit, beside runs that have some: its steps, its completion, and the perturbation that frees a run."""
    fan = {"initialization": {"scale": {"values": [0.3, 0.6, 0.8]}}, "model": model}
    descent = FRACTIONS | {"warmup_steps": 3000}
    plain = run(spec(**fan, optimizer=descent), kernel=kernel)
    heavy = {"kind": "heavy_ball", "momentum": {"values": [0.0, 0.5]}}
    both = run(spec(**fan, optimizer=descent | heavy), kernel=kernel)
    still = [entry.index for entry in both.grid.runs() if entry.optimizer.momentum == 0]
    assert [both.summaries[index] for index in still] == plain.summaries
    for index, arrays in zip(still, plain.arrays, strict=True):
        assert {name: array.tobytes() for name, array in both.arrays[index].items()} == {
            name: array.tobytes() for name, array in arrays.items()
        }
    assert "completion" in {summary["finished_by"] for summary in plain.summaries}
    assert any(summary["perturbations"] for summary in plain.summaries)


def test_uploaded_data_are_asked_for_by_their_id() -> None:
    """And are trained on like data in the spec; without anything that loads them they are refused."""
    uploaded = spec(data={"kind": "dataset", "id": "mine"})
    results = run(uploaded, load={"mine": UPLOADED}.__getitem__)
    known = dict(results.summaries[0]) | {"data_key": None}
    assert known == dict(run(spec()).summaries[0]) | {"data_key": None}
    with pytest.raises(InvalidData, match="uploads"):
        run(uploaded)


def test_step_sizes_without_meaning_are_refused_before_anything_is_trained() -> None:
    """Nothing interpolates two samples of the same x and different y, so nothing is stable."""
    contradiction = {"kind": "inline", "X": [[1.0, 2.0], [1.0, 2.0]], "y": [1.0, 2.0]}
    reports: list[Progress] = []
    with pytest.raises(NoInterpolator, match="fractions_of_max_stable"):
        run(spec(data=contradiction, optimizer=FRACTIONS), on_progress=reports.append)
    assert reports == []


def test_the_kernel_is_the_one_that_is_named() -> None:
    """Each result says which it was."""
    for name in ("auto", NUMPY):
        assert run(spec(), kernel=name).summaries[0]["kernel_id"] == kernel_id(chosen(name))


def test_numpy_trains_what_the_compiled_kernel_has_no_step_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the optimiser's own step, to NumPy's bits; each result says that it did."""
    heavy = {"kind": "heavy_ball", "momentum": 0.5, "step_size": 0.05}
    asked = spec(optimizer=heavy, stopping={"finish": "iterate"})
    by_numpy = run(asked, kernel=NUMPY).summaries
    monkeypatch.setattr(HeavyBall, "is_native", False)
    assert run(asked).summaries == by_numpy
    monkeypatch.setattr(HeavyBall, "roll", lambda theta, _velocity, change, _kept: np.add(theta, change, out=theta))
    assert run(asked).summaries[0]["steps"] > 1.5 * by_numpy[0]["steps"]


def test_limits_that_are_to_be_proven_have_bounds_and_are_those_of_the_estimates() -> None:
    """Runs of a small scale end much sooner by an estimate; both limits are the same within both errors."""
    summaries = {}
    for finish in ("auto", "proven"):
        summaries[finish] = run(
            spec(
                data={"samples": 20, "dimension": 40, "sparsity": 3},
                initialization={"scale": {"values": [1e-3, 0.1]}},
                optimizer={"step_size": {"fractions_of_max_stable": [0.3, 0.9]}, "warmup_steps": 10_000},
                stopping={"finish": finish},
            )
        ).summaries
    bounds = {finish: [each["completion_error_bound"] for each in found] for finish, found in summaries.items()}
    assert [bound is None for bound in bounds["auto"]] == [True, True, False, False]
    assert all(bound <= 1e-7 for bound in bounds["proven"])
    for soon, late, bound in zip(summaries["auto"], summaries["proven"], bounds["proven"], strict=True):
        assert soon["steps"] <= late["steps"]
        assert abs(soon["l2_norm"] - late["l2_norm"]) <= (soon["completion_error_estimate"] + bound) * late["l2_norm"]
    assert summaries["auto"][0]["steps"] < summaries["proven"][0]["steps"] / 3


@pytest.mark.parametrize("unit", list(StepUnit))
@pytest.mark.parametrize("optimizer", [{}, {"kind": "heavy_ball", "momentum": 0.5}])
def test_a_multiple_of_a_step_is_a_multiple_of_what_the_run_reports(unit: StepUnit, optimizer: dict[str, Any]) -> None:
    """To twelve digits, for every start and optimiser, whatever becomes of the run."""
    step_size = {"multiples_of": unit.value, "values": [0.25, 0.5]}
    asked = spec(initialization={"scale": {"values": [0.2, 1.0]}}, optimizer=optimizer | {"step_size": step_size})
    results = run(asked)
    for entry, summary in zip(results.grid.runs(), results.summaries, strict=True):
        reported = summary[unit.value]
        assert isinstance(reported, float)
        assert entry.step_multiple is not None
        assert summary["step_size"] == float(f"{entry.step_multiple.value * reported:.12g}")
    units = {summary[unit.value] for summary in results.summaries}
    assert len(units) == (1 if unit is StepUnit.LEAST_NORM else 2)


@pytest.mark.parametrize("unit", list(StepUnit))
def test_where_nothing_interpolates_units_are_those_of_the_least_squares(unit: StepUnit) -> None:
    """At a quarter of what is stable there a run ends at them; the limit of the flow is the only one."""
    noisy = {"kind": "inline", "X": [[1.0, 2.0], [1.5, 2.0], [2.0, -1.0]], "y": [1.0, 2.0, 2.0]}
    asked = spec(data=noisy, optimizer={"step_size": {"multiples_of": unit.value, "values": [0.25]}})
    (summary,) = run(asked).summaries
    assert summary["outcome"] == "stationary"
    beta = np.linalg.lstsq(np.array(noisy["X"]), np.array(noisy["y"]))[0]
    scaled = np.array(noisy["X"]) * np.sqrt(4 * np.abs(beta) / 3)
    assert summary["least_norm_stable_step"] == pytest.approx(2 / np.linalg.norm(scaled, 2) ** 2)
    assert summary["flow_stable_step"] == pytest.approx(summary["least_norm_stable_step"], rel=0.01)
    assert (summary["max_stable_step"], summary["flow_test_loss"]) == (None, None)


def test_a_multiple_of_what_is_stable_everywhere_is_refused() -> None:
    """At β = 0, which is what fits y = 0."""
    zero = {"kind": "inline", "X": [[1.0, 2.0]], "y": [0.0]}
    asked = spec(data=zero, optimizer={"step_size": {"multiples_of": "least_norm_stable_step", "values": [0.5]}})
    with pytest.raises(NoInterpolator, match="least ℓ2 norm, which is 0"):
        run(asked)


def test_a_flow_that_cannot_be_followed_is_said_to_be_none() -> None:
    """A parameter that starts at 0 stays there."""
    start = {"kind": "vector", "scale": 1.0, "vector": [1.0, 0.0, 1.0, 1.0]}
    asked = spec(initialization=start, optimizer={"step_size": {"multiples_of": "flow_stable_step", "values": [0.5]}})
    with pytest.raises(NoInterpolator, match="starts at 0"):
        run(asked)
