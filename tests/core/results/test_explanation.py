"""Why a run ended as it did, in sentences."""

import re
from typing import Any

import pytest

from core.descent.ascent import AscentAlong
from core.descent.optimizers import FullBatch, HeavyBall, Minibatch, Optimizer, ParameterNoise, SharpnessAware
from core.experiment.run import run
from core.outcome import Outcome, RunPath
from core.results.explanation import THRESHOLDS, exceeded, explained, explanation
from core.spec.experiment_spec import ExperimentSpec
from tests.core.specs import grid_of

KNOWN = {
    "start_stable_step": 0.02,
    "flow_stable_step": 0.004,
    "least_norm_stable_step": 0.003,
    "max_stable_step": 0.01,
}


ONE_SAM = SharpnessAware(rho=0.1, ascent_along=AscentAlong.SAMPLE)


def ended(outcome: Outcome, step_size: float, **others: Any) -> dict[str, Any]:
    """A run's numbers."""
    return {"outcome": outcome.value, "steps": 321, "step_size": step_size} | KNOWN | others


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("step_size", [1e-5, 0.0035, 0.006, 0.015, 0.05])
def test_every_end_at_every_step_size_says_where_it_stood_and_something_else(
    outcome: Outcome, step_size: float
) -> None:
    """With the ratios to all thresholds that are known, in full sentences."""
    text = explanation(ended(outcome, step_size))
    ratios = [float(number) for number in re.findall(r"([\d.e+-]+) × (?:what|η\*)", text)]
    assert ratios == [pytest.approx(step_size / KNOWN[name], rel=5e-3) for name in THRESHOLDS]
    assert text.count(". ") >= 2
    assert text.endswith((".", "}."))
    assert "None" not in text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_nothing_needs_to_be_known(outcome: Outcome) -> None:
    """As of a run that another release stored, or where nothing interpolates."""
    text = explanation({"outcome": outcome.value, "steps": 5, "step_size": 0.1, "max_stable_step": None})
    assert text
    assert "×" not in text
    assert "nan" not in text.lower().split()


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OSCILLATING])
@pytest.mark.parametrize(
    ("step_size", "changed", "words", "target"),
    [
        (0.05, {}, "Above η* no interpolator is known to be stable: lower", 0.009),
        (0.03, {"max_stable_step": 0.5}, "The first steps at full η overshoot", 0.018),
        (0.006, {}, "led to where this η is unstable", 0.0036),
        (0.006, {"start_stable_step": 0.001}, "The first steps at full η overshoot", 0.0009),
        (0.002, {}, "Every known threshold is above η", None),
    ],
)
def test_a_run_that_does_not_settle_is_told_the_first_threshold_that_it_is_above(
    outcome: Outcome, step_size: float, changed: dict[str, float], words: str, target: float | None
) -> None:
    """And a step size below it."""
    text = explanation(ended(outcome, step_size, **changed))
    assert words in text
    found = re.search(r"lower η to ([\d.e-]*\d)", text)
    assert (found and float(found[1])) == (target and pytest.approx(target))


def test_an_eta_star_that_no_descent_comes_near_is_named_as_one() -> None:
    """Where it is thirty times what is stable at the limit of the flow, and only there."""
    near, far = (explanation(ended(Outcome.DIVERGED, 0.003, max_stable_step=0.004 * ratio)) for ratio in (29.0, 31.0))
    assert "standardise" not in near
    assert "31 times" in far
    assert '{"X": "standardise"}' in far
    assert "if they are even start from a smaller scale or scale y up" in far


def test_a_converged_run_is_told_whether_the_step_size_led_it_elsewhere() -> None:
    """By the limit of the flow, stable at η or not."""
    assert "is stable at this η" in explanation(ended(Outcome.CONVERGED, 0.0039))
    assert "is unstable at this η" in explanation(ended(Outcome.CONVERGED, 0.0041))


@pytest.mark.parametrize(
    ("step_size", "words"),
    [(1e-4, "up to 30 times"), (0.001, "no threshold stands against it"), (0.005, "settles slowly")],
)
def test_a_run_that_took_too_long_is_told_whether_its_steps_were_small(step_size: float, words: str) -> None:
    """Beside the smallest threshold."""
    assert words in explanation(ended(Outcome.BUDGET_EXHAUSTED, step_size))


def test_thresholds_that_are_exceeded_are_those_that_are_known() -> None:
    """In the order in which a run meets them."""
    assert exceeded(ended(Outcome.DIVERGED, 0.01)) == ("flow_stable_step", "least_norm_stable_step", "max_stable_step")
    assert exceeded({"outcome": "diverged", "step_size": 0.01}) == ()


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OSCILLATING])
def test_at_odd_depth_eta_star_is_said_to_be_that_of_one_sign(outcome: Outcome) -> None:
    """Parameters of other signs may be stable above it."""
    odd, even = (explanation(ended(outcome, 0.05, depth=depth)) for depth in (3, 2))
    assert "with parameters θ ≥ 0; at odd depth others may be flatter" in odd
    assert "θ ≥ 0" not in even
    assert "with parameters θ ≥ 0" in Outcome.OSCILLATING.meaning


def test_no_multiples_are_advised_where_nothing_is_flatter_than_the_limit_of_flow() -> None:
    """Where η* is not above what is stable there; up to η* elsewhere."""
    assert "up to 2.5 at η*" in explanation(ended(Outcome.CONVERGED, 0.001))
    for largest in (0.0037, 0.004):
        text = explanation(ended(Outcome.CONVERGED, 0.001, max_stable_step=largest))
        assert "multiples" not in text
        assert "hardly anything flatter" in text
    far = explanation(ended(Outcome.CONVERGED, 0.001, max_stable_step=1.0))
    assert "at η*" not in far
    assert "does not come near" in far
    assert "multiples" not in explanation(ended(Outcome.CONVERGED, 0.001, max_stable_step=None, min_sharpness=0.0))


@pytest.mark.parametrize(
    ("numbers", "words", "others"),
    [
        ({"smallest_parameter": 0.0, "init_scale": 0.1}, "starts there stays", "scale"),
        ({"smallest_parameter": 1e7, "init_scale": 1e7}, "from a smaller scale", "larger scale"),
        ({"smallest_parameter": 1e-4, "init_scale": 1e-4}, "start from a larger scale", "A parameter is 0"),
        ({}, "start from a larger scale", "A parameter is 0"),
    ],
)
def test_a_standstill_is_told_by_where_its_parameters_are(numbers: dict[str, float], words: str, others: str) -> None:
    """At 0, large, or small."""
    text = explanation(ended(Outcome.STANDSTILL, 0.001, **numbers))
    assert words in text
    assert others not in text


def test_a_perturbation_is_not_advised_where_it_has_no_size() -> None:
    """Where y = 0, and with it the least sharpness."""
    assert "stopping.perturb" in explanation(ended(Outcome.UNSTABLE_INTERPOLATOR, 0.05))
    text = explanation(ended(Outcome.UNSTABLE_INTERPOLATOR, 0.05, min_sharpness=0.0, max_stable_step=None))
    assert "perturb)" not in text
    assert "lower η" in text


def test_no_end_is_put_down_to_the_step_size_alone() -> None:
    """Noise of labels and minibatches moves a run as well, and a unique interpolator is left by none."""
    stable, unstable = (explanation(ended(Outcome.CONVERGED, step)) for step in (0.001, 0.005))
    assert "no need to change" not in stable
    assert "step size led" not in unstable
    assert "unless only one fits" in unstable


def test_who_starts_too_steeply_for_more_may_warm_up() -> None:
    """Where the start is sharper than the flattest interpolator, not where it is less sharp."""
    steep = explanation(ended(Outcome.DIVERGED, 0.05, start_stable_step=0.001))
    assert "lower η to 0.0009, or try a (longer) warm-up to one below η*." in steep
    assert "warm up" not in explanation(ended(Outcome.DIVERGED, 0.05))


@pytest.mark.parametrize("outcome", [Outcome.BUDGET_EXHAUSTED, Outcome.STOPPED])
def test_a_run_whose_warm_up_was_not_over_is_told_so_and_how_far_its_step_size_had_come(outcome: Outcome) -> None:
    """321 of 3210 steps: a tenth of η. The thresholds of the full η say nothing of it."""
    grid = grid_of(optimizer={"step_size": 0.05, "warmup_steps": 3210})
    text = explained(grid.run(0), ended(outcome, 0.05))
    assert "warm-up of 3210 steps was not over" in text
    assert "η had grown to 0.005 of 0.05" in text
    assert "×" not in text
    for over in (0, 321):
        assert explanation(ended(outcome, 0.05), warmup_steps=over) == explanation(ended(outcome, 0.05))


def test_a_run_whose_targets_were_noisy_to_its_end_is_told_so() -> None:
    """No run is judged before the noise is over; one that diverges has its own reasons."""
    noisy = grid_of(optimizer={"kind": "label_noise", "noise_variance": 0.1, "noise_steps": 400, "step_size": 0.05})
    assert "noisy for 400 steps" in explained(noisy.run(0), ended(Outcome.BUDGET_EXHAUSTED, 0.05))
    diverged = ended(Outcome.DIVERGED, 0.05)
    assert explained(noisy.run(0), diverged) == explanation(diverged)


LEAST_SQUARES = {"max_stable_step": None, "min_sharpness": None}
"""What is known of them where nothing interpolates."""


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OSCILLATING])
def test_no_warm_up_is_advised_where_no_least_squares_are_stable(outcome: Outcome) -> None:
    """Above those of the least ℓ2 norm; below them it may lead there."""
    above, below = (
        explanation(ended(outcome, step, **LEAST_SQUARES, least_norm_stable_step=0.03)) for step in (0.04, 0.025)
    )
    assert "least ℓ2 norm are unstable at this η: lower η to 0.018." in above
    assert "warm up" not in above
    assert "overshoot: lower η to 0.018, or warm up (longer), which may lead to where this η is stable." in below


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ({"max_stable_step": 0.02}, "Above η* no interpolator is known to be stable: lower η to 0.018"),
        (LEAST_SQUARES | {"least_norm_stable_step": 0.02}, "least ℓ2 norm are unstable at this η: lower η to 0.018."),
    ],
)
@pytest.mark.parametrize("optimizer", [FullBatch(), HeavyBall(momentum=0.9)])
def test_a_run_that_left_in_its_warm_up_is_told_no_longer_one_where_nothing_is_stable(
    numbers: dict[str, Any], told: str, optimizer: Optimizer
) -> None:
    """Above what is stable anywhere; below it a longer warm-up may lead there."""
    above, below = (
        explanation(ended(Outcome.DIVERGED, step, **numbers), warmup_steps=642, optimizer=optimizer)
        for step in (0.03, 0.019)
    )
    assert "was not over: η had grown to 0.015 of 0.03. " in above
    assert told in above
    assert "warm up longer" not in above
    assert "Lower η, warm up longer, or start closer to 0." in below


def test_a_run_that_has_warmed_up_is_not_told_of_its_first_steps() -> None:
    """Where it was led counts; one that left before is told how far its η had grown."""
    numbers = ended(Outcome.DIVERGED, 0.03, max_stable_step=0.1)
    after, before = (explanation(numbers, warmup_steps=steps) for steps in (320, 642))
    assert "Its warm-up did not lead to where this η is stable: lower η to 0.018, or warm up (longer)" in after
    assert "first steps" not in after + before
    assert "Its warm-up of 642 steps was not over: η had grown to 0.015 of 0.03. Lower η" in before


def test_below_all_thresholds_the_optimiser_is_what_is_left() -> None:
    """They are of small deviations, and of steps of all samples."""
    texts = [
        explanation(ended(Outcome.DIVERGED, 0.002), optimizer=optimizer)
        for optimizer in (FullBatch(), Minibatch(batch_size=1), HeavyBall(momentum=0.9), ONE_SAM)
    ]
    reasons = ("sharper than at both ends", "minibatches are less", "momentum carries", "1-SAM is less stable")
    for text, words in zip(texts, reasons, strict=True):
        assert [words in each for each in texts].count(True) == 1
        assert words in text
        assert "halve η" in text


def test_minibatches_may_need_less_than_what_is_stable() -> None:
    """The thresholds are necessary for them, not enough."""
    noisy, full = (
        explanation(ended(Outcome.DIVERGED, 0.05), optimizer=each) for each in (Minibatch(batch_size=1), FullBatch())
    )
    assert "lower η to 0.009 or less" in noisy
    assert "or less" not in full
    assert "for steps of all samples" in explanation(ended(Outcome.CONVERGED, 0.001), optimizer=Minibatch(batch_size=1))


def test_minibatches_that_never_come_to_rest_are_told_so() -> None:
    """Where nothing interpolates, and only there."""
    numbers = ended(Outcome.BUDGET_EXHAUSTED, 0.001, **LEAST_SQUARES)
    assert "never come to rest" in explanation(numbers, optimizer=Minibatch(batch_size=2))
    assert "never come to rest" not in explanation(numbers)
    interpolated = ended(Outcome.BUDGET_EXHAUSTED, 0.001, min_sharpness=200.0)
    assert "never come to rest" not in explanation(interpolated, optimizer=Minibatch(batch_size=2))


def test_ascents_of_samples_are_said_to_keep_a_run_from_the_least_squares() -> None:
    """Where nothing interpolates, and not those along the mean gradient."""
    numbers = ended(Outcome.BUDGET_EXHAUSTED, 0.001, **LEAST_SQUARES)
    assert "ascents of samples never vanish" in explanation(numbers, optimizer=ONE_SAM)
    assert "ascents of samples" not in explanation(numbers, optimizer=SharpnessAware(rho=0.1))
    assert "ascents of samples" not in explanation(ended(Outcome.BUDGET_EXHAUSTED, 0.001), optimizer=ONE_SAM)


def test_minibatches_that_end_at_the_least_squares_only_pass_by() -> None:
    """They do not stay, and what is reported is no limit."""
    numbers = ended(Outcome.STATIONARY, 0.001, **LEAST_SQUARES)
    assert "only passing by" in explanation(numbers, optimizer=Minibatch(batch_size=2))
    assert "only passing by" not in explanation(numbers)


@pytest.mark.parametrize(("error", "is_told"), [(1.0, True), (0.99, False), (None, False)])
def test_a_run_whose_minibatches_are_not_stable_in_the_mean_square_is_told_so(
    error: float | None, *, is_told: bool
) -> None:
    """Its error says it; gradient descent with such an error has another reason."""
    numbers = ended(Outcome.CONVERGED, 0.001, limit_error=error)
    assert ("may lead it away again" in explanation(numbers, optimizer=Minibatch(batch_size=1))) is is_told
    assert "may lead it away again" not in explanation(numbers)


@pytest.mark.parametrize("optimizer", [FullBatch(), HeavyBall(momentum=0.9), Minibatch(batch_size=1)])
def test_a_run_that_says_nothing_of_its_limit_is_told_what_to_do(optimizer: Optimizer) -> None:
    """But not where the limit is 0, where it has none, or where the summary is of an older release."""
    far = ended(Outcome.CONVERGED, 0.001, limit_error=None)
    assert "too early to say how far its limit is" in explanation(far, optimizer=optimizer)
    others = (
        far | {"min_sharpness": 0.0, "max_stable_step": None},
        far | {"limit_error": 1e-3},
        far | {"outcome": "diverged"},
        ended(Outcome.CONVERGED, 0.001),
    )
    for numbers in others:
        assert "too early" not in explanation(numbers, optimizer=optimizer)
    least_squares = ended(Outcome.STATIONARY, 0.001, **LEAST_SQUARES, limit_error=None)
    assert ("too early" in explanation(least_squares, optimizer=optimizer)) is not optimizer.draws_batches


def test_minibatches_that_are_stable_in_the_mean_square_are_not_said_to_leave() -> None:
    """Only beyond the threshold are they; where it is not known they may."""
    for threshold, said in ((0.06, "stable in the mean square there"), (0.04, "may lead it away"), (None, "may lead")):
        numbers = ended(Outcome.CONVERGED, 0.05, limit_error=1.0, mean_square_stable_step=threshold)
        assert said in explanation(numbers, optimizer=Minibatch(batch_size=1))


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.CONVERGED, Outcome.STATIONARY, Outcome.STOPPED])
@pytest.mark.parametrize("path", [None, *RunPath])
def test_minibatches_of_all_samples_are_explained_as_gradient_descent(outcome: Outcome, path: str | None) -> None:
    """Whatever their path; smaller ones are not."""
    optimizer = {"kind": "sgd", "batch_size": 3, "step_size": 0.05}
    inline = {"kind": "inline", "X": [[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]], "y": [1.0, 2.0, 4.0]}
    numbers = ended(outcome, 0.05, **LEAST_SQUARES) | {"path": path}
    minibatches = explanation(numbers, optimizer=Minibatch(batch_size=3))
    for data, expected in (
        (inline, explanation(numbers)),
        ({"kind": "sparse_regression", "samples": 3}, explanation(numbers)),
        ({"kind": "sparse_regression", "samples": 4}, minibatches),
    ):
        assert explained(grid_of(data=data, optimizer=optimizer).run(0), numbers) == expected
    assert (minibatches == explanation(numbers)) is (outcome is Outcome.CONVERGED)


@pytest.mark.parametrize("path", [None, *RunPath])
def test_of_an_upload_the_path_tells_minibatches_of_all_samples(path: str | None) -> None:
    """No run of smaller ones has such a one, but that each may be perturbed."""
    optimizer, upload = {"kind": "sgd", "batch_size": 3, "step_size": 0.05}, {"kind": "dataset", "id": "mine"}
    numbers = ended(Outcome.STATIONARY, 0.05, **LEAST_SQUARES) | {"path": path}
    told = explained(grid_of(data=upload, optimizer=optimizer).run(0), numbers)
    assert ("only passing by" in told) is (path in {None, RunPath.PERTURBED})


@pytest.mark.parametrize(("sharpness", "is_near"), [(6.0, True), (7.0, False)])
def test_a_run_that_has_not_left_its_saddle_is_told_so(sharpness: float, *, is_near: bool) -> None:
    """By the sharpness of its features, beside a hundredth of 2/0.003, that of the least ℓ2 norm."""
    for step in (0.001, 0.005):
        where = {"gauss_newton_sharpness": sharpness, "stability_threshold": 2 / step}
        text = explanation(ended(Outcome.BUDGET_EXHAUSTED, step, **where))
        assert ("near the saddle" in text) is is_near
        assert ("and lower η below" in text) is (is_near and step > 0.003)


@pytest.mark.parametrize("outcome", [Outcome.OSCILLATING, Outcome.BUDGET_EXHAUSTED])
def test_a_run_of_normalised_ascents_is_told_that_they_keep_their_length(outcome: Outcome) -> None:
    """More steps and a lower η alone lead no nearer; other ascents do come to rest."""
    summary = ended(outcome, 0.0025)
    assert "ηλρ/(2 − ηλ)" in explanation(summary, optimizer=SharpnessAware(rho=0.1, normalized=True))
    assert "ηλρ" not in explanation(summary, optimizer=SharpnessAware(rho=0.1))
    settled = ended(Outcome.CONVERGED, 0.0025, limit_error=1.0)
    assert "its limit_error is 1" in explanation(settled, optimizer=SharpnessAware(rho=0.1, normalized=True))


def test_a_run_that_ends_within_its_parameter_noise_is_told_what_is_noisy() -> None:
    """Its parameters, and not its targets."""
    text = explanation(ended(Outcome.BUDGET_EXHAUSTED, 0.0025), optimizer=ParameterNoise(variance=0.1, noise_steps=999))
    assert "parameters are noisy for 999 steps" in text


@pytest.mark.parametrize(
    ("kind", "scale", "is_forgotten"),
    [("uv_product", 1e-10, True), ("uv_product", 1e-2, False), ("diagonal", 0.5e-10, False)],
)
def test_a_product_that_has_lost_its_small_layer_says_so(kind: str, scale: float, *, is_forgotten: bool) -> None:
    """The difference of u and v is a²/(u + v), which rounding takes where a is small; the squared model keeps it."""
    document = {
        "name": "",
        "data": {"kind": "inline", "X": [[1.0, 0.3, -0.4], [0.2, -0.9, 0.5]], "y": [0.8, -0.6]},
        "model": {"kind": kind},
        "initialization": {"kind": "uniform", "scale": scale},
        "optimizer": {"kind": "gradient_descent", "step_size": 0.02},
        "stopping": {"steps": 20_000},
        "recording": {"points": 0},
    }
    results = run(ExperimentSpec.model_validate(document))
    assert ("of their difference" in explained(results.grid.run(0), results.summaries[0])) is is_forgotten
