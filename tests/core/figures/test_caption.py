"""What a figure says about itself in words."""

from core.descent.optimizers import FullBatch, HeavyBall, Nesterov, SharpnessAware
from core.figures.caption import caption, threshold_text, values_text
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid
from tests.core.made_up import made_up_summaries, results_of
from tests.core.specs import document, fan, grid_of


def test_values_are_named_by_their_symbols() -> None:
    """In as many digits as asked; a fraction is one of η*."""
    values = {"init_scale": 0.123456, "step_size_fraction": 0.5}
    assert values_text(values, 3) == "α = 0.123, 0.5 η*"
    assert values_text({}) == ""


def test_momentum_shows_in_the_threshold() -> None:
    """As soon as one optimiser has it."""
    none, some = HeavyBall(momentum=0.0), HeavyBall(momentum=0.5)
    assert threshold_text([FullBatch(), none]) == "2/η"
    assert threshold_text([none, some]) == "(2+2m)/η"
    assert threshold_text([Nesterov(momentum=0.5)]) == "(2+2m)/(1+2m)/η"


def test_ascents_show_in_the_threshold() -> None:
    """But of those of a given length, which leave it where it is."""
    assert threshold_text([SharpnessAware(rho=0.1)]) == "(√(1+8ρ/η)−1)/2ρ"
    assert threshold_text([SharpnessAware(rho=0.1, normalized=True)]) == "2/η"


def test_a_caption_counts_what_is_there_and_what_converged() -> None:
    """All runs, or part of them."""
    grid = fan()
    assert caption(results_of(grid), "title").progress == "24 runs"
    summaries = made_up_summaries(grid)
    summaries[0], summaries[1] = None, (summaries[1] or {}) | {"outcome": "diverged"}
    assert caption(results_of(grid, summaries), "title").progress == "partial result: 23 of 24 runs, 22 converged"
    assert caption(results_of(grid_of()), "title").progress == "1 run"


def test_a_caption_counts_what_rounding_decided() -> None:
    """Beside what converged, and only where there is any."""
    grid = fan()
    summaries = made_up_summaries(grid)
    summaries[0] = (summaries[0] or {}) | {"path": "perturbed"}
    assert caption(results_of(grid, summaries), "title").progress == "24 runs, 1 decided by rounding"
    summaries[1] = (summaries[1] or {}) | {"outcome": "diverged", "twin_outcome": "converged"}
    progress = caption(results_of(grid, summaries), "title").progress
    assert progress == "24 runs, 23 converged, 2 decided by rounding"


def test_notes_stand_below_what_was_run() -> None:
    """Data first."""
    known = caption(results_of(fan()), "title", ["a note"])
    assert known.lines[0].startswith("N = 50")
    assert known.lines[1].endswith("; 24 runs")
    assert known.lines[2:] == ("a note",)


def test_the_model_is_named_unless_it_is_swept() -> None:
    """Depth or shape, as its symbol."""
    assert document()["data"]["kind"] == "sparse_regression"
    uv = grid_of(model={"kind": "uv"})
    assert caption(results_of(uv), "title").training.startswith("UV model, ")
    depths = grid_of(model={"kind": "diagonal", "depth": {"values": [2, 3]}})
    assert "D = " not in caption(results_of(depths), "title").training


def test_what_is_linked_to_an_axis_is_no_constant() -> None:
    """The step size is another one at each momentum."""
    linked = {"kind": "heavy_ball", "momentum": {"values": [0.1, 0.5]}, "step_size": {"values": [0.1, 0.2]}}
    grid = Grid(ExperimentSpec.model_validate(document(optimizer=linked) | {"zip": [["momentum", "step_size"]]}))
    assert "η = " not in caption(results_of(grid), "x").training


def test_a_step_size_that_follows_from_a_swept_momentum_is_no_constant() -> None:
    """The effective one is said, or, where it is swept, neither."""
    for effective, said in (([0.002], True), ([0.002, 0.004], False)):
        step_size = {"effective_step_sizes": effective}
        optimizer = {"kind": "heavy_ball", "momentum": {"values": [0.5, 0.9]}, "step_size": step_size}
        results = results_of(Grid(ExperimentSpec.model_validate(document(optimizer=optimizer))))
        training = caption(results, "title").training
        assert "η = " not in training
        assert ("η/(1−m)² = 0.002" in training) is said


def test_other_features_than_gaussian_ones_are_named() -> None:
    """Their law is part of what the data are."""
    for features, named in (("gaussian", False), ("rademacher", True)):
        text = caption(results_of(grid_of(data={"features": features})), "x").data
        assert (f"{features} features" in text) is named


def test_another_law_of_the_data_is_named_unless_it_is_swept() -> None:
    """The moments of the features, and the true predictor."""
    law = {"mean_profile": [1.0] * 100, "mean": 2.0, "correlation": 0.5, "true_norm": 3, "support": "random"}
    text = caption(results_of(grid_of(data=law)), "x").data
    assert "given mean of features, ρ = 0.5, ‖β*‖₂ = 3, random support, data seed" in text
    swept = caption(results_of(grid_of(data={"variance_decay": {"values": [0.0, 1.0]}, "signs": "random"})), "x").data
    assert "random signs" in swept
    assert "a = " not in swept
    assert "ρ" not in swept


def test_which_sam_is_meant_is_said() -> None:
    """Along what it ascends, and whether by a given length."""
    ascents = {"ascent": "sample", "normalized": True}
    body = {"kind": "sam", "rho": 0.1, "step_size": 0.001}
    texts = [str(caption(results_of(grid_of(optimizer=body | more)), "title")) for more in ({}, ascents)]
    assert ["n-SAM" in text and "ρ_SAM = 0.1" in text for text in texts] == [True, False]
    assert ["1-SAM, normalised" in text for text in texts] == [False, True]
