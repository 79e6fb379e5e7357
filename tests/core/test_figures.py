"""Figures."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import colors
from matplotlib.figure import Figure

from core.choice import InvalidChoice
from core.figure_layout import UnsuitableFigure
from core.figures.catalogue import FIGURES
from core.figures.render import Format, render
from core.figures.style import ordered_colours
from core.grid import Grid
from core.spec import ExperimentSpec
from tests.core.specs import SCALES, STEP_SIZES, analyses_of, document, fan, grid_of, summaries_of

MAGIC = {Format.PNG: b"\x89PNG", Format.SVG: b"<?xml", Format.PDF: b"%PDF"}


def _risk(grid: Grid, summaries: Sequence[dict[str, Any] | None], name: str = "fan") -> Figure:
    return FIGURES["risk"].draw(grid, summaries, analyses_of(grid).values(), name)


def summaries_with(grid: Grid) -> list[dict[str, Any] | None]:
    """One converged run at every point of any grid."""
    return [{"outcome": "converged", "excess_risk": 0.5, "flow_excess_risk": 0.6} for _ in range(len(grid))]


def _texts(figure: Figure) -> list[str]:
    legend = figure.axes[-1].get_legend()
    entries = [] if legend is None else [text.get_text() for text in legend.get_texts()]
    return [text.get_text() for text in figure.texts] + entries


def _markers(figure: Figure, marker: str) -> int:
    """How many points are marked so, over all panels."""
    lines = [line for panel in figure.axes for line in panel.lines if line.get_marker() == marker]
    return sum(int(np.isfinite(np.asarray(line.get_ydata(), dtype=float)).sum()) for line in lines)


@pytest.mark.parametrize("form", Format)
def test_a_figure_has_the_same_bytes_each_time(form: Format) -> None:
    """Cached by content, compared in tests: no dates, no random ids."""
    first, second = (render(_risk(fan(), summaries_of(fan())), form) for _ in range(2))
    assert first == second
    assert first.startswith(MAGIC[form])


def test_an_unknown_format_names_the_known_ones() -> None:
    """As every refusal does."""
    with pytest.raises(InvalidChoice) as refusal:
        render(Figure(), "gif")
    assert refusal.value.choices == ("png", "svg", "pdf")


def test_the_risk_figure_draws_one_line_for_each_step_size() -> None:
    """Through the medians, with both baselines and the flow limit named."""
    figure = _risk(fan(), summaries_of(fan()))
    texts = _texts(figure)
    assert [text for text in texts if text.startswith("η")] == ["η → 0, gradient flow", "η = 0.001", "η = 0.004"]
    assert "Excess risk against initialisation scale α, by step size η" in texts
    assert _markers(figure, "o") == len(SCALES) * len(STEP_SIZES)
    notes = [text.get_text() for text in figure.axes[0].texts]
    assert notes == ["least ℓ1 norm: 1.51", "least ℓ2 norm: 102"]


def test_the_caption_says_what_the_data_are() -> None:
    """Mean, variance, samples and dimension, the seeds, and how it was trained."""
    words = " ".join(_texts(_risk(fan(), summaries_of(fan()))))
    for part in ("N = 50", "d = 100", "μ = 5", "σ² = 5", "4 data seeds", "D = 2", "gradient descent", "24 runs"):
        assert part in words


def test_a_partial_result_says_so() -> None:
    """And is drawn as far as it goes, down to nothing at all."""
    summaries = summaries_of(fan())
    summaries[5:] = [None] * 19
    assert any("partial result: 5 of 24 runs" in text for text in _texts(_risk(fan(), summaries)))
    nothing = FIGURES["risk"].draw(fan(), [None] * 24, [None], "fan")
    assert any("partial result: 0 of 24 runs" in text for text in _texts(nothing))
    assert render(nothing, "png").startswith(MAGIC[Format.PNG])


def test_points_without_a_converged_run_are_crosses_and_not_points() -> None:
    """A gap in the line, marked openly; a point where some converged is drawn hollow."""
    summaries = summaries_of(fan())
    for index in range(24):
        at = fan().coordinates(index)
        if at["init_scale"] == 0.1 and (at["step_size"] == 0.004 or at["seed"] == 0):
            summaries[index] = (summaries[index] or {}) | {"outcome": "oscillating"}
    figure = _risk(fan(), summaries)
    assert _markers(figure, "x") == 1
    assert _markers(figure, "o") == len(SCALES) * len(STEP_SIZES) - 1
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [x for line in hollow for x in np.asarray(line.get_xdata()).tolist()] == [0.1, 0.1]
    assert sum(np.isfinite(np.asarray(line.get_ydata(), dtype=float)).sum() for line in hollow) == 1
    assert any("24 runs, 19 converged" in text for text in _texts(figure))
    assert {"did not converge", "not all converged"} <= set(_texts(figure))


def test_lines_and_baselines_stand_clear_of_the_crosses() -> None:
    """The crosses are at the foot, below every risk; the names of the baselines have room above and below."""
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


@pytest.mark.parametrize("form", Format)
def test_the_name_of_an_experiment_is_text_and_nothing_else(form: Format) -> None:
    """No formulas, no markup, no control characters, any script, any length."""
    name = "$\\frac{x$ <b>&\x00\n_^{ 日本 " + "long " * 40
    figure = _risk(fan(), summaries_of(fan()), name)
    assert render(figure, form).startswith(MAGIC[form])
    shown = next(text for text in _texts(figure) if "frac" in text)
    assert shown.isprintable()
    assert len(shown) <= 80


def test_a_third_axis_makes_panels() -> None:
    """One for each of its values, named by it."""
    grid = grid_of(
        data={"mean": {"values": [0, 5, 10]}},
        initialization={"scale": {"values": SCALES}},
        optimizer={"step_size": {"fractions_of_max_stable": [0.5, 0.99]}},
    )
    figure = FIGURES["risk"].draw(grid, [None] * len(grid), [], "means")
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["μ = 0", "μ = 5", "μ = 10"]
    assert {"0.5 η*", "0.99 η*"} <= set(_texts(figure))


def test_a_figure_that_does_not_suit_the_experiment_is_refused() -> None:
    """Too many panels, or nothing to draw against."""
    many = grid_of(data={"mean": {"start": 0, "stop": 10, "num": 11}}, initialization={"scale": {"values": SCALES}})
    with pytest.raises(UnsuitableFigure, match="11 panels"):
        FIGURES["risk"].draw(many, [None] * len(many), [], "many")
    with pytest.raises(UnsuitableFigure, match="sweeps a number"):
        FIGURES["risk"].draw(grid_of(), [None], [], "one")


def test_without_a_swept_scale_the_step_size_is_drawn_against() -> None:
    """The figure serves every experiment that sweeps something."""
    grid = grid_of(optimizer={"step_size": {"values": STEP_SIZES}})
    figure = FIGURES["risk"].draw(grid, [None, None], [], "steps")
    assert figure.axes[0].get_xlabel() == "step size η"


def test_user_data_without_a_true_predictor_show_the_test_loss() -> None:
    """Their excess risk is not known; a risk of zero is a gap on a logarithmic axis."""
    body = document(initialization={"scale": {"values": SCALES}})
    body["data"] = {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}
    grid = Grid(ExperimentSpec.model_validate(body))
    summaries: list[Any] = [
        {"outcome": "converged", "test_loss": loss, "excess_risk": None} for loss in (0.1, 0.2, 0.0)
    ]
    figure = FIGURES["risk"].draw(grid, summaries, [], "mine")
    assert figure.axes[0].get_ylabel() == "test loss"
    assert _markers(figure, "o") == 2
    assert any("given data, N = 1, d = 2" in text for text in _texts(figure))


def test_converged_runs_on_user_data_without_held_out_samples_are_a_line_and_no_crosses() -> None:
    """Their ℓ1 norm, with nothing in the legend that is not drawn, and an axis with numbers on it."""
    body = document(initialization={"scale": {"values": SCALES}})
    body["data"] = {"kind": "inline", "X": [[1.0, 2.0]], "y": [1.0]}
    grid = Grid(ExperimentSpec.model_validate(body))
    nothing = dict.fromkeys(("excess_risk", "test_loss", "flow_excess_risk", "flow_test_loss"))
    summaries: list[Any] = [nothing | {"outcome": "converged", "l1_norm": norm} for norm in (2.0, 2.5, 3.4)]
    figure = FIGURES["risk"].draw(grid, summaries, [], "mine")
    (panel,) = figure.axes
    assert (_markers(figure, "o"), _markers(figure, "x")) == (3, 0)
    assert panel.get_ylabel() == "ℓ1 norm ‖β‖₁"
    legend = panel.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["trained runs"]
    low, high = panel.get_ylim()
    assert sum(low <= tick <= high for tick in panel.get_yticks()) >= 2


def test_a_converged_run_without_a_value_is_no_cross() -> None:
    """A gap, among runs that have one."""
    summaries = summaries_of(fan())
    for index in range(24):
        if fan().coordinates(index)["init_scale"] == 0.1:
            summaries[index] = (summaries[index] or {}) | {"excess_risk": None}
    figure = _risk(fan(), summaries)
    assert (_markers(figure, "o"), _markers(figure, "x")) == ((len(SCALES) - 1) * len(STEP_SIZES), 0)
    assert not {"did not converge", "not all converged"} & set(_texts(figure))


def test_step_sizes_are_named_in_as_many_digits_as_tell_them_apart() -> None:
    """Three, unless two names would be one."""
    for values, names in (
        ([0.000162497538, 0.00299179627], ["η = 0.000162", "η = 0.00299"]),
        ([0.00299179627, 0.00299479627], ["η = 0.002992", "η = 0.002995"]),
    ):
        grid = grid_of(initialization={"scale": {"values": SCALES}}, optimizer={"step_size": {"values": values}})
        assert set(names) <= set(_texts(_risk(grid, [None] * len(grid))))


def test_lines_of_which_nothing_is_drawn_but_crosses_are_named_by_crosses() -> None:
    """No line stands in the legend that is not in the panel."""
    summaries = [(summary or {}) | {"outcome": "oscillating"} for summary in summaries_of(fan())]
    legend = _risk(fan(), summaries).axes[0].get_legend()
    assert legend is not None
    assert [line.get_marker() for line in legend.get_lines()] == ["None", "x", "x", "x"]


def test_an_axis_of_one_value_is_said_in_words_and_not_drawn_against() -> None:
    """What is swept goes along x; what is fixed stands in the caption, as a plain number does."""
    grid = grid_of(initialization={"scale": {"values": [0.1]}}, optimizer={"step_size": {"values": STEP_SIZES}})
    figure = _risk(grid, summaries_with(grid))
    assert figure.axes[0].get_xlabel() == "step size η"
    assert any("α = 0.1, W = 0; 2 runs" in text for text in _texts(figure))
    alone = grid_of(initialization={"scale": {"values": [0.1]}})
    figure = _risk(alone, summaries_with(alone))
    assert figure.axes[0].get_xticks().tolist() == [0.1]
    assert _markers(figure, "_") == 1
    assert any("η = 0.001, W = 0; 1 run" in text for text in _texts(figure))


def test_colours_are_in_order_of_lightness_and_dark_enough_for_paper() -> None:
    """So they can be told apart without hue: in grey, and by colour-blind readers."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    for count in (1, 2, 5, 10):
        linear = np.array([colors.to_rgb(colour) for colour in ordered_colours(count)]) ** 2.2
        luminance = linear @ weights
        assert (np.diff(luminance) < 0).all()
        assert luminance.max() < 0.62


def test_a_figure_does_not_depend_on_the_settings_of_the_machine() -> None:
    """A user's matplotlibrc changes no byte, and drawing leaves the settings as they were."""
    plain = render(_risk(fan(), summaries_of(fan())), "svg")
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        assert render(_risk(fan(), summaries_of(fan())), "svg") == plain
        assert mpl.rcParams["font.size"] == 30


def test_results_curves_and_presets_do_not_load_matplotlib() -> None:
    """They are read by processes that draw nothing."""
    program = (
        "import sys, core.result, core.curves, core.presets, core.figures;"
        "sys.exit(any(name in sys.modules for name in ('matplotlib', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
