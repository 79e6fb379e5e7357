"""The lines of SAM in the notebook of Andriushchenko and Flammarion 2022, through whole specs and by a loop."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from core.experiment.run import run
from core.spec.experiment_spec import ExperimentSpec
from tests.external_truth.ascent import (
    ASCENT_OF_EACH,
    MEAN_ASCENT,
    NEARLY_NOTHING,
    STEPS,
    Setting,
    at_equal_steps,
    looped,
)
from tests.external_truth.problem import SAM, trained, uniform
from tests.external_truth.row import EXACT


@pytest.mark.parametrize(("settings", "each_sample"), [(MEAN_ASCENT, False), (ASCENT_OF_EACH, True)], ids=["n", "1"])
def test_a_slow_loop_finds_the_same(settings: Sequence[Setting], *, each_sample: bool) -> None:
    """So that what agrees are two computations."""
    for setting, found in zip(settings, looped(settings, each_sample=each_sample), strict=True):
        printed = float(setting[3])
        assert found == pytest.approx(printed, rel=NEARLY_NOTHING if printed < 1e-7 else EXACT, nan_ok=True)


def test_the_line_of_larger_steps_was_run_at_smaller_ones() -> None:
    """An erratum: n-SAM beside γ = 15/30 has the numbers of γ = 10/30; at equal γ it is never better than descent."""
    (descent,) = trained(SAM, STEPS, step_size=15 / 30, start=uniform(0.1)).summaries
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
