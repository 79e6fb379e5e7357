"""The lines of SAM in the notebook of Andriushchenko and Flammarion 2022, through whole specs and by a loop."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from core.experiment.run import run
from core.spec.experiment_spec import ExperimentSpec
from tests.external_truth.ascent import ASCENT_OF_EACH, MEAN_ASCENT, NEARLY_NOTHING, Setting, at_equal_steps, looped
from tests.external_truth.ascent import trained as ascended
from tests.external_truth.descent import SAM, sam_rows, sparse_features_rows, trained
from tests.external_truth.row import EXACT, Row

SETTINGS = [*((each, False) for each in MEAN_ASCENT), *((each, True) for each in ASCENT_OF_EACH)]


def name(value: object) -> str:
    """Of a row: γ/30, a, ρ."""
    if isinstance(value, bool):
        return "1-SAM" if value else "n-SAM"
    return "-".join(str(each) for each in value[:3]) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize(("setting", "each_sample"), SETTINGS, ids=name)
def test_every_printed_line_is_found_by_a_spec_in_its_units(setting: Setting, *, each_sample: bool) -> None:
    """In its notebook on diagonal networks; to 1e-11, and to 1e-6 where next to nothing is left."""
    printed, summary = float(setting[3]), ascended(setting, each_sample=each_sample)
    if math.isnan(printed):
        assert (summary["outcome"], summary["test_loss"]) == ("diverged", None)
        return
    allowed = NEARLY_NOTHING if printed < 1e-7 else EXACT
    assert summary["test_loss"] == pytest.approx(printed, rel=allowed)


@pytest.mark.parametrize(("settings", "each_sample"), [(MEAN_ASCENT, False), (ASCENT_OF_EACH, True)], ids=["n", "1"])
def test_a_slow_loop_finds_the_same(settings: Sequence[Setting], *, each_sample: bool) -> None:
    """So that what agrees are two computations."""
    for setting, found in zip(settings, looped(settings, each_sample=each_sample), strict=True):
        printed = float(setting[3])
        assert found == pytest.approx(printed, rel=NEARLY_NOTHING if printed < 1e-7 else EXACT, nan_ok=True)


@pytest.mark.parametrize("rows", [sam_rows, sparse_features_rows])
def test_the_lines_of_descent_are_found_in_their_own_units(rows: Callable[..., list[Row]]) -> None:
    """As the page finds them by the squared model, of which the sharpness is twice that of u∘v."""
    for row in rows(of_product=True):
        assert row.agrees, row


def test_the_line_of_larger_steps_was_run_at_smaller_ones() -> None:
    """An erratum: n-SAM beside γ = 15/30 has the numbers of γ = 10/30; at equal γ it is never better than descent."""
    (descent,) = trained(SAM, step_size=15 / 30, scale=0.1, steps=10_001, of_product=True).summaries
    equal = dict(at_equal_steps())
    shown = [0.016455, 0.016473, 0.016538, 0.016724, 0.017416, 0.019780, 0.033868]
    assert [round(loss, 6) for loss in equal.values()] == shown
    assert min(equal.values()) > float(descent["test_loss"] or 0)
    printed = {rho: float(text) for thirtieths, _, rho, text in MEAN_ASCENT if thirtieths == 10}
    assert min(printed.values()) < float(descent["test_loss"] or 0)  # so the notebook shows it better


@pytest.mark.parametrize("ascent", ["full", "sample"])
@pytest.mark.parametrize("normalized", [False, True])
def test_the_squared_model_takes_the_same_steps_at_half_of_rho(ascent: str, *, normalized: bool) -> None:
    """u± = (u ± v)/2: η = γ/2, α = a/2, and ρ/2; where the ascent has a given length, ρ/√2."""
    ends = []
    for model, half in (("uv_product", False), ("diagonal", True)):
        document = {
            "name": "",
            "data": SAM.document(),
            "model": {"kind": model} | ({"depth": 2} if half else {}),
            "initialization": {"kind": "uniform", "scale": 0.1 / (1 + half)},
            "optimizer": {
                "kind": "sam",
                "step_size": 1 / 3 / (1 + half),
                "rho": 0.05 / (1 if not half else math.sqrt(2) if normalized else 2),
                "ascent": ascent,
                "normalized": normalized,
            },
            "stopping": {"steps": 40 if normalized else 300},  # by then a given length goes to and fro
            "recording": {"points": 0},
        }
        done = run(ExperimentSpec.model_validate(document))
        (arrays,) = done.arrays
        parts = [np.asarray(arrays[part]) for part in (("u_plus", "u_minus") if half else ("u_plus", "v_plus"))]
        ends.append(parts[0] ** 2 - parts[1] ** 2 if half else parts[0] * parts[1])
    np.testing.assert_allclose(*ends, rtol=1e-8, atol=1e-11)
