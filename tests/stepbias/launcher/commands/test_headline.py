"""The numbers at the end of the demo."""

from typing import Any

from stepbias.launcher.commands.headline import headlines


def _run(init_scale: float, step_size: float, **changes: Any) -> dict[str, Any]:
    return {
        "init_scale": init_scale,
        "step_size": step_size,
        "excess_risk": init_scale * 10 + step_size,
        "flow_excess_risk": init_scale,
        "certificate_residual": 1e-12,
        "outcome": "converged",
        "steps": 12345,
    } | changes


ANALYSIS = {
    "interpolators": {"min_l1": {"excess_risk": 0.00789}, "min_l2": {"excess_risk": None}},
    "min_sharpness_upper": 250.17261,
    "min_sharpness_gap": 1.25e-7,
    "max_stable_step": 0.0079945,
}


def test_the_numbers_are_those_of_the_runs_they_name() -> None:
    """The nearest scale of the grid, the largest step at which anything converged, the worst certificate."""
    summaries = [_run(scale, step) for scale in (0.046, 0.3, 1.0) for step in (1e-3, 7.9e-3)]
    summaries.append(_run(1.0, 9e-3, outcome="oscillating", certificate_residual=1.0))
    summaries.append(_run(2.0, 7.9e-3, certificate_residual=3e-11))
    summaries.append(_run(3.0, 7.9e-3, certificate_residual=None))
    found = {headline.name: headline for headline in headlines(summaries, [ANALYSIS])}
    assert found["excess risk, least ℓ1 interpolator"].value == "0.00789"
    assert found["excess risk, least ℓ2 interpolator"].value == "unknown"
    assert found["min λ_max over interpolators"].value == "250.1726"
    assert "1.2e-07" in found["min λ_max over interpolators"].note
    assert found["largest stable step, 2/min λ_max"].value == "0.007994"
    assert found["excess risk, gradient flow, α = 0.046"].value == "0.046"
    assert found["excess risk, gradient flow, α = 1"].value == "1"
    assert found["excess risk, gradient descent, α = 0.3, η = 0.0079"].value == "3.008"
    large = found["excess risk, gradient descent, α = 1, η = 0.0079"]
    assert (large.value, large.note) == ("10.01", "converged after 12,345 steps")
    assert found["worst certificate residual"].value == "3e-11"
    assert found["worst certificate residual"].note == "over 7 converged runs"
    assert found["outcomes"].value == "8 converged, 1 oscillating"


def test_what_is_not_there_is_left_out() -> None:
    """No runs, no analyses: the outcomes alone; nothing converged: the largest step of all."""
    assert [headline.value for headline in headlines([], [])] == ["none yet"]
    found = {headline.name: headline for headline in headlines([_run(1.0, 1e-2, outcome="diverged")], [])}
    assert found["worst certificate residual"].value == "unknown"
    assert any("η = 0.01" in name for name in found)
