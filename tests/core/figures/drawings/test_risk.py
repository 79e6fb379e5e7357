"""The risk figure."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from core.figures.draw import draw
from core.figures.layouts import UnsuitableFigure
from core.figures.layouts.catalogue import FIGURES
from core.figures.layouts.options import FigureOptions
from core.figures.render import render
from core.figures.style import GROUND
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.drawn import marks, names, words
from tests.core.made_up import LARGEST_STEP, made_up_analyses, made_up_summary, results_of, with_excess_risk
from tests.core.specs import SCALES, STEP_SIZES, analyses_of, document, fan, grid_of, summaries_of

_figure = partial(draw, FIGURES["risk"])


def _risk(grid: Grid, summaries: Sequence[Mapping[str, Any] | None]) -> Figure:
    return _figure(results_of(grid, summaries, analyses_of(grid)))


def _converged(grid: Grid) -> list[dict[str, Any]]:
    """One converged run at every point of any grid."""
    return [{"outcome": "converged", "excess_risk": 0.5, "flow_excess_risk": 0.6} for _ in range(len(grid))]


def test_the_risk_figure_draws_one_line_for_each_step_size() -> None:
    """Through the medians, with both baselines and the flow limit named."""
    figure = _risk(fan(), summaries_of(fan()))
    texts = words(figure)
    assert [text for text in texts if text.startswith("η")] == ["η → 0, gradient flow", "η = 0.001", "η = 0.004"]
    assert "Excess risk against initialisation scale α, by step size η" in texts
    assert marks(figure, "o") == len(SCALES) * len(STEP_SIZES)
    notes = [text.get_text() for text in figure.axes[0].texts]
    assert notes == ["least ℓ1 norm: 1.51", "least ℓ2 norm: 102"]


def test_a_line_beyond_the_ends_of_y_has_no_name() -> None:
    """At the edge of the panel it would stand at another height than the line's."""
    results = results_of(fan(), summaries_of(fan()), analyses_of(fan()))
    for asked, named in (({"y_min": 5.0}, ["least ℓ2 norm: 102"]), ({"y_min": 1e4}, [])):
        figure = _figure(results, FigureOptions(**asked))
        assert [text.get_text() for text in figure.axes[0].texts] == named


@pytest.mark.parametrize(("kernel", "drawn"), [(101.5, False), (101.6, False), (250.0, True), (None, False)])
def test_the_kernel_regime_is_drawn_where_the_start_weights_its_norm(kernel: float | None, *, drawn: bool) -> None:
    """Not where it is the line of least ℓ2 norm, that of the seeds' median here."""
    summaries = [(summary or {}) | {"kernel_excess_risk": kernel} for summary in summaries_of(fan())]
    figure = _risk(fan(), summaries)
    assert ("least ℓ2 norm, weighted by the start" in " ".join(words(figure)).replace("\n", " ")) is drawn
    heights = [np.asarray(line.get_ydata(), dtype=float).tolist() for line in figure.axes[0].lines]
    assert ([250.0] * len(SCALES) in heights) is drawn


def test_the_kernel_regime_is_drawn_where_no_interpolator_is_known() -> None:
    """Of data that nothing interpolates there is no line of least ℓ2 norm that it could be."""
    summaries = [(summary or {}) | {"kernel_excess_risk": 101.5} for summary in summaries_of(fan())]
    figure = _figure(results_of(fan(), summaries, {}))
    assert "least ℓ2 norm, weighted by the start" in " ".join(words(figure)).replace("\n", " ")


def test_the_test_loss_is_drawn_and_beside_it_the_excess_risk() -> None:
    """As the paper draws it; without the half of the noise variance in a figure of its own, which users' data lack."""
    summaries = [(summary or {}) | {"test_loss": 7.0} for summary in summaries_of(fan())]
    results = results_of(fan(), summaries, analyses_of(fan()))
    for name, title, is_drawn in (("risk", "Test loss", True), ("excess-risk", "Excess risk", False)):
        figure = draw(FIGURES[name], results)
        assert f"{title} against initialisation scale α, by step size η" in words(figure)
        heights = [np.asarray(line.get_ydata(), dtype=float).tolist() for line in figure.axes[0].lines]
        assert ([7.0] * len(SCALES) in heights) is is_drawn
    user = grid_of(data={"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}, initialization={"scale": {"values": SCALES}})
    assert FIGURES["risk"].suits(user)
    assert not FIGURES["excess-risk"].suits(user)


def test_the_caption_says_what_the_data_are() -> None:
    """Mean, variance, samples and dimension, the seeds, and how it was trained."""
    text = " ".join(words(_risk(fan(), summaries_of(fan()))))
    for part in ("N = 50", "d = 100", "μ = 5", "σ² = 5", "4 data seeds", "D = 2", "gradient descent", "24 runs"):
        assert part in text


def test_a_partial_result_says_so() -> None:
    """And is drawn as far as it goes, down to nothing at all."""
    summaries = summaries_of(fan())
    summaries[5:] = [None] * 19
    assert any("partial result: 5 of 24 runs" in text for text in words(_risk(fan(), summaries)))
    nothing = _figure(results_of(fan(), [None] * 24, {}))
    assert any("partial result: 0 of 24 runs" in text for text in words(nothing))
    assert render(nothing, "png").startswith(b"\x89PNG")


def test_points_without_a_converged_run_are_crosses_and_not_points() -> None:
    """A gap in the line, marked openly; a point where some converged is drawn hollow."""
    summaries = summaries_of(fan())
    for index in range(24):
        at = fan().coordinates(index)
        if at["init_scale"] == 0.1 and (at["step_size"] == 0.004 or at["seed"] == 0):
            summaries[index] = (summaries[index] or {}) | {"outcome": "oscillating"}
    figure = _risk(fan(), summaries)
    assert marks(figure, "x") == 1
    assert marks(figure, "o") == len(SCALES) * len(STEP_SIZES) - 1
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == GROUND]
    assert [x for line in hollow for x in np.asarray(line.get_xdata()).tolist()] == [0.1, 0.1]
    assert sum(np.isfinite(np.asarray(line.get_ydata(), dtype=float)).sum() for line in hollow) == 1
    assert any("24 runs, 19 converged" in text for text in words(figure))
    assert {"in the strip: no run converged", "not all converged"} <= set(words(figure))


def test_points_with_a_run_that_rounding_decided_are_diamonds() -> None:
    """Whether all its runs converged or not, named in the legend and counted in the caption."""
    summaries = summaries_of(fan())
    assert marks(_risk(fan(), summaries), "D") == 0
    for index in range(24):
        at = fan().coordinates(index)
        if at["init_scale"] == 0.1 and at["seed"] < 2:
            twin = "diverged" if at["seed"] == 0 else "converged"
            summaries[index] = (summaries[index] or {}) | {"twin_outcome": twin}
        if at["init_scale"] == 0.1 and at["step_size"] == 0.004 and at["seed"] == 1:
            summaries[index] = (summaries[index] or {}) | {"outcome": "oscillating"}
    figure = _risk(fan(), summaries)
    assert marks(figure, "D") == len(STEP_SIZES)
    assert marks(figure, "o") == len(SCALES) * len(STEP_SIZES) - len(STEP_SIZES)
    assert "decided by rounding" in words(figure)
    assert any("23 converged, 3 decided by rounding" in text for text in words(figure))


def test_lines_and_baselines_stand_clear_of_the_crosses() -> None:
    """The crosses are below every risk; the names of the baselines have room above and below."""
    summaries = [(summary or {}) | {"outcome": "diverged"} for summary in summaries_of(fan())]
    (panel,) = _risk(fan(), summaries).axes
    crosses = [line for line in panel.lines if line.get_marker() == "x"]
    top = max(float(np.asarray(line.get_ydata(), dtype=float).max()) for line in crosses)
    least_risk, largest_risk = min(SCALES), 101.5  # the flow limit at the smallest scale, and the least-ℓ2 baseline
    low, high = panel.transAxes.inverted().transform(panel.transData.transform([(1, least_risk), (1, largest_risk)]))[
        :, 1
    ]
    assert len(crosses) == 2
    assert top + 0.05 < low < high < 0.95


def test_the_names_of_the_baselines_are_not_drawn_over() -> None:
    """Runs from small scales end beyond the least ℓ2 norm here: its name stands to the right of them."""
    grid = grid_of(initialization={"scale": {"values": SCALES}})
    summaries = [
        made_up_summary(run) | {"excess_risk": risk} for run, risk in zip(grid.runs(), (1.5, 0.5, 0.1), strict=True)
    ]
    (panel,) = _figure(results_of(grid, summaries)).axes
    ends = {text.get_text().partition(":")[0]: text.get_position()[0] for text in panel.texts}
    assert ends["least ℓ1 norm"] < 0.02
    assert ends["least ℓ2 norm"] > 0.02


def test_a_third_axis_makes_panels() -> None:
    """One for each of its values, named by it."""
    grid = grid_of(
        data={"mean": {"values": [0, 5, 10]}},
        initialization={"scale": {"values": SCALES}},
        optimizer={"step_size": {"fractions_of_max_stable": [0.5, 0.99]}},
    )
    figure = _figure(results_of(grid))
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["μ = 0", "μ = 5", "μ = 10"]
    assert {"0.5 η*", "0.99 η*"} <= set(words(figure))


def test_a_figure_that_does_not_suit_the_experiment_is_refused() -> None:
    """Too many panels, or nothing to draw against."""
    many = grid_of(data={"mean": {"start": 0, "stop": 10, "num": 11}}, initialization={"scale": {"values": SCALES}})
    with pytest.raises(UnsuitableFigure, match="11 panels"):
        _figure(results_of(many, [None] * len(many), {}))
    with pytest.raises(UnsuitableFigure, match="sweeps a number"):
        _figure(results_of(grid_of(), [None], {}))


def test_without_a_swept_scale_the_step_size_is_drawn_against() -> None:
    """The figure serves every experiment that sweeps something."""
    grid = grid_of(optimizer={"step_size": {"values": STEP_SIZES}})
    figure = _figure(results_of(grid, [None, None], {}))
    assert figure.axes[0].get_xlabel() == "step size η"


def test_user_data_without_a_true_predictor_show_the_test_loss() -> None:
    """Their excess risk is not known; a risk of zero is a gap on a logarithmic axis."""
    body = document(initialization={"scale": {"values": SCALES}})
    body["data"] = {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}
    grid = Grid(ExperimentSpec.model_validate(body))
    summaries: list[Any] = [
        {"outcome": "converged", "test_loss": loss, "excess_risk": None} for loss in (0.1, 0.2, 0.0)
    ]
    figure = _figure(results_of(grid, summaries, {}))
    assert figure.axes[0].get_ylabel() == "test loss"
    assert marks(figure, "o") == 2
    assert any("given data, N = 1, d = 2" in text for text in words(figure))


def test_converged_runs_on_user_data_without_held_out_samples_are_a_line_and_no_crosses() -> None:
    """Their ℓ1 norm, with nothing in the legend that is not drawn, and an axis with numbers on it."""
    body = document(initialization={"scale": {"values": SCALES}})
    body["data"] = {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}
    grid = Grid(ExperimentSpec.model_validate(body))
    nothing = dict.fromkeys(("excess_risk", "test_loss", "flow_excess_risk", "flow_test_loss"))
    summaries: list[Any] = [nothing | {"outcome": "converged", "l1_norm": norm} for norm in (2.0, 2.5, 3.4)]
    figure = _figure(results_of(grid, summaries, {}))
    (panel,) = figure.axes
    assert (marks(figure, "o"), marks(figure, "x")) == (3, 0)
    assert panel.get_ylabel() == "ℓ1 norm ‖β‖₁"
    assert names(figure) == ["trained runs"]
    low, high = panel.get_ylim()
    assert sum(low <= tick <= high for tick in panel.get_yticks()) >= 2


def test_a_converged_run_without_a_value_is_no_cross() -> None:
    """A gap, among runs that have one."""
    summaries = summaries_of(fan())
    for index in range(24):
        if fan().coordinates(index)["init_scale"] == 0.1:
            summaries[index] = (summaries[index] or {}) | {"excess_risk": None}
    figure = _risk(fan(), summaries)
    assert (marks(figure, "o"), marks(figure, "x")) == ((len(SCALES) - 1) * len(STEP_SIZES), 0)
    assert not {"in the strip: no run converged", "not all converged"} & set(words(figure))


def test_step_sizes_are_named_in_as_many_digits_as_tell_them_apart() -> None:
    """Three, unless two names would be one."""
    for values, expected in (
        ([0.000162497538, 0.00299179627], ["η = 0.000162", "η = 0.00299"]),
        ([0.00299179627, 0.00299479627], ["η = 0.002992", "η = 0.002995"]),
    ):
        grid = grid_of(initialization={"scale": {"values": SCALES}}, optimizer={"step_size": {"values": values}})
        assert set(expected) <= set(words(_risk(grid, _converged(grid))))


def test_lines_of_which_nothing_is_drawn_but_crosses_are_named_by_crosses() -> None:
    """No line stands in the legend that is not in the panel."""
    summaries = [(summary or {}) | {"outcome": "oscillating"} for summary in summaries_of(fan())]
    (legend,) = _risk(fan(), summaries).legends
    assert [line.get_marker() for line in legend.get_lines()] == ["None", "x", "x", "x"]


def test_an_axis_of_one_value_is_said_in_words_and_not_drawn_against() -> None:
    """What is swept goes along x; what is fixed stands in the caption, as a plain number does."""
    grid = grid_of(initialization={"scale": {"values": [0.1]}}, optimizer={"step_size": {"values": STEP_SIZES}})
    figure = _risk(grid, _converged(grid))
    assert figure.axes[0].get_xlabel() == "step size η"
    assert any("α = 0.1, W = 0; 2 runs" in text for text in words(figure))
    alone = grid_of(initialization={"scale": {"values": [0.1]}})
    figure = _risk(alone, _converged(alone))
    assert figure.axes[0].get_xticks().tolist() == [0.1]
    assert marks(figure, "_") == 1
    assert any("η = 0.001, W = 0; 1 run" in text for text in words(figure))


def test_a_longer_axis_of_warm_ups_goes_along_x_and_scales_make_the_lines() -> None:
    """With a panel for each step size, and the run without any warm-up at the left end of a logarithmic axis."""
    grid = grid_of(
        initialization={"scale": {"values": [0.1, 1.0]}},
        optimizer={
            "warmup_steps": {"values": [0, 100, 10_000]},
            "step_size": {"fractions_of_max_stable": [0.5, 0.9]},
        },
    )
    summaries = [made_up_summary(run) for run in grid.runs()]
    for run in grid.runs():
        if run.warmup_steps == 0 and run.init_scale == 1.0:
            summaries[run.index] |= {"outcome": "oscillating"}
    figure = _figure(results_of(grid, summaries))
    assert "Excess risk against warm-up steps W, by initialisation scale α" in words(figure)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["0.5 η*", "0.9 η*"]
    for panel in figure.axes:
        assert [text.get_text() for text in panel.get_xticklabels()] == ["0", "100", "10000"]
        (cross,) = (line for line in panel.lines if line.get_marker() == "x")
        assert np.asarray(cross.get_xdata()).tolist() == [0]
        across = panel.transData.transform([(0, 1), (100, 1), (10_000, 1)])[:, 0]
        assert 2 * (across[1] - across[0]) < across[2] - across[1]


def test_seeds_of_the_initialisation_are_aggregated_where_data_seeds_are_not_swept() -> None:
    """Every kind of seed is a repetition."""
    grid = grid_of(
        initialization={"kind": "normal", "scale": {"values": SCALES}, "seed": {"values": [0, 1]}},
        optimizer={"step_size": {"values": STEP_SIZES}},
    )
    figure = _figure(results_of(grid))
    (panel,) = figure.axes
    assert len(panel.collections) == len(STEP_SIZES)  # a band for each line
    assert any("random normal initialisation" in text and "2 initialisation seeds" in text for text in words(figure))


def test_each_depth_has_a_panel_that_says_its_largest_stable_steps() -> None:
    """At odd depth there are two of them, and baselines are those of the panel's own problem."""
    grid = grid_of(
        model={"kind": "diagonal", "depth": {"values": [3, 4]}}, initialization={"scale": {"values": SCALES}}
    )
    analyses = made_up_analyses(grid)
    deep = grid.run(len(SCALES)).problem_key
    analyses[deep] = with_excess_risk(analyses[deep], "min_l1", 0.0042)
    three, four = _figure(results_of(grid, analyses=analyses)).axes
    step, free = f"{LARGEST_STEP:.4g}", f"{LARGEST_STEP / 0.8:.4g}"
    assert (three.get_title(loc="left"), four.get_title(loc="left")) == ("D = 3", "D = 4")
    assert three.get_title(loc="right") == f"η* = {step} (any sign: {free})"
    assert four.get_title(loc="right") == f"η* = {step}"
    assert "least ℓ1 norm: 0.0078" in [text.get_text() for text in three.texts]
    assert "least ℓ1 norm: 0.0042" in [text.get_text() for text in four.texts]


def test_no_numbers_of_the_risk_axis_stand_beside_the_crosses() -> None:
    """Their height means nothing."""
    summaries = [(summary or {}) | {"outcome": "diverged"} for summary in summaries_of(fan())]
    (panel,) = _risk(fan(), summaries).axes
    ticks = [(1, tick) for tick in [*panel.get_yticks(), *panel.get_yticks(minor=True)]]
    heights = panel.transAxes.inverted().transform(panel.transData.transform(ticks))[:, 1]
    crosses = [line for line in panel.lines if line.get_marker() == "x"]
    assert heights.min() > max(float(np.max(line.get_ydata())) for line in crosses)


def test_values_without_a_symbol_are_named_below_a_common_title() -> None:
    """So that no entry is broken."""
    optimizer = {"kind": "label_noise", "noise_variance": {"values": [0.1, 1.0, 4.0]}}
    grid = grid_of(optimizer=optimizer | {"step_size": 0.001, "noise_steps": {"values": [100, 20_000]}})
    (legend,) = _figure(results_of(grid)).legends
    assert legend.get_title().get_text() == "steps with label noise"
    assert [text.get_text() for text in legend.get_texts()][:2] == ["100", "20000"]


def test_zeros_stand_at_the_floor_and_are_said_to_be_zeros() -> None:
    """As of y = 0: no empty panel under a full legend."""
    grid = grid_of(initialization={"scale": {"values": SCALES}}, optimizer={"step_size": {"values": [0.001, 0.002]}})
    summaries = [made_up_summary(run) | {"excess_risk": 0.0} for run in grid.runs()]
    analyses = {key: with_excess_risk(analysis, "min_l1", 0.0) for key, analysis in made_up_analyses(grid).items()}
    figure = _figure(results_of(grid, summaries, analyses))
    assert marks(figure, "v") == 2 * len(SCALES)
    assert {"in the strip: exactly 0", "least ℓ1 norm: exactly 0"} <= set(names(figure))


def test_an_interpolator_that_is_the_true_predictor_but_for_rounding_does_not_stretch_the_axis() -> None:
    """Of data without noise least ℓ1 norm finds β* to 1e-16: an axis down to there shows nothing of runs."""
    grid = grid_of(initialization={"scale": {"values": SCALES}})
    analyses = {key: with_excess_risk(analysis, "min_l1", 1e-33) for key, analysis in made_up_analyses(grid).items()}
    figure = _figure(results_of(grid, analyses=analyses))
    assert figure.axes[0].get_ylim()[0] > 1e-9
    assert "least ℓ1 norm: 0 but for rounding" in {name.replace("\n", " ") for name in names(figure)}


def test_panels_of_one_data_set_are_compared_on_one_axis_and_others_are_not() -> None:
    """Depths are of one; means make several."""
    scales = {"scale": {"values": SCALES}}
    depths = grid_of(model={"kind": "diagonal", "depth": {"values": [2, 3]}}, initialization=scales)
    means = grid_of(data={"mean": {"values": [0, 10]}}, initialization=scales)
    for grid, together in ((depths, True), (means, False)):
        summaries = [made_up_summary(run) | {"excess_risk": 10.0 ** (run.index // len(SCALES))} for run in grid.runs()]
        first, second = _figure(results_of(grid, summaries)).axes
        assert (first.get_ylim() == second.get_ylim()) is together


def test_the_least_l2_norm_of_a_random_start_is_the_weighted_one() -> None:
    """The unweighted one is not where such a start leads."""
    grid = grid_of(
        initialization={"kind": "normal", "scale": {"values": SCALES}},
        optimizer={"step_size": {"values": [0.001, 0.002]}},
    )
    summaries = [made_up_summary(run) | {"kernel_excess_risk": 40.0 + run.index} for run in grid.runs()]
    figure = _figure(results_of(grid, summaries))
    (panel,) = figure.axes
    assert [text.get_text().partition(":")[0] for text in panel.texts] == ["least ℓ1 norm"]
    assert "least ℓ2 norm, weighted by the start" in names(figure)
