"""Every statement of an explanation, checked against the plain loop, linear algebra, or by doing as it says."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from core.descent.kernel import one_thread
from core.experiment.run import run
from core.results.explanation import explained
from core.results.rounding import is_decided_by_rounding
from tests.nasty.plain_loop import Path, gradient_of, loops
from tests.nasty.specs import NastySpec

TOLERANCE: Final = 1e-10
"""Of the loss, relative to that of β = 0, as in the specs."""

UNSETTLED: Final = ("diverged", "oscillating")
FOLLOWED: Final = 5
"""How often a sentence may be obeyed until a run settles: each time the run is told anew."""

Summary = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A part of an explanation, and what contradicts it, if anything does."""

    text: str
    fault: str | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A spec, how the product says that it ended, and what the loop did."""

    spec: NastySpec
    summary: Summary
    path: Path

    @property
    def steps(self) -> int:
        """Of the run."""
        return int(self.summary["steps"])

    @cached_property
    def beta_l2(self) -> np.ndarray:
        """The least squares of least ℓ2 norm."""
        return np.linalg.lstsq(self.spec.X, self.spec.y, rcond=1e-10)[0]

    @cached_property
    def least_loss(self) -> float:
        """Theirs; 0 where it is rounding."""
        loss = self.loss_of(self.beta_l2)
        return loss if loss > 1e-18 * self.zero_loss else 0.0

    @property
    def zero_loss(self) -> float:
        """The loss of β = 0, or that of the start where it is 0."""
        return self.loss_of(np.zeros(self.spec.X.shape[1])) or float(self.path.losses[0])

    def over(self, sharpness: float) -> float:
        """η over the largest stable step at λ: ηλ(1 + ρλ) over its limit, by its own step size."""
        return self.spec.step_size * sharpness * (1 + self.spec.linear_rho * sharpness) / self.spec.limit

    def sharpness_where(self, step_size: float) -> float:
        """The λ at which this is the largest stable step: the positive root of λ + ρλ² = limit/η."""
        wanted = self.spec.limit / step_size
        return 2 * wanted / (1 + np.sqrt(1 + 4 * self.spec.linear_rho * wanted))

    def loss_of(self, beta: np.ndarray) -> float:
        """‖Xβ − y‖²/(2N)."""
        return float(np.square(self.spec.X @ beta - self.spec.y).sum() / (2 * len(self.spec.y)))

    def beta(self, theta: np.ndarray) -> np.ndarray:
        """u₊^D − u₋^D."""
        return np.asarray(theta[0] ** self.spec.depth - theta[1] ** self.spec.depth)

    def sharpness(self, theta: np.ndarray) -> float:
        """λ_max of the Hessian, a dense matrix."""
        if not np.isfinite(theta).all():
            return np.nan
        X, D = self.spec.X, self.spec.depth
        signs = np.array([[1.0], [-1.0]])
        features = np.concatenate(list((signs * D * theta ** (D - 1))[:, :, None] * X.T))
        g = X.T @ (X @ self.beta(theta) - self.spec.y) / len(self.spec.y)
        curved = (signs * D * (D - 1) * theta ** (D - 2) * g).ravel()
        return float(np.linalg.eigvalsh(features @ features.T / len(self.spec.y) + np.diag(curved))[-1])

    def flattest_sharpness(self, beta: np.ndarray) -> float:
        """λ_max of the Gram matrix at the parameters θ ≥ 0 that have this β and are the smallest."""
        weights = self.spec.depth**2 * np.abs(beta) ** (2 - 2 / self.spec.depth)
        return float(np.linalg.eigvalsh(self.spec.X * weights @ self.spec.X.T / len(self.spec.y))[-1])

    def ratio(self, name: str) -> float:
        """η over one of the thresholds of the summary; NaN where it is not known."""
        return float(self.spec.step_size / self.summary[name]) if self.summary[name] else np.nan

    @property
    def ratios(self) -> list[float]:
        """Over all that are known."""
        names = ("start_stable_step", "flow_stable_step", "least_norm_stable_step", "max_stable_step")
        return [self.ratio(name) for name in names if self.summary[name]]


def trained(spec: NastySpec) -> tuple[Summary, str]:
    """How the product says that a spec ends, and why."""
    results = run(spec.to_spec())
    return results.summaries[0], explained(results.grid.run(0), results.summaries[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """A case with its explanation, and the statements that this is made of."""

    case: Case
    text: str
    statements: tuple[Statement, ...]

    @property
    def faults(self) -> list[Statement]:
        """Those that are not true."""
        return [statement for statement in self.statements if statement.fault is not None]


def judged(specs: Sequence[NastySpec], steps: int) -> list[Judged]:
    """All specs by the product, by loops of so many steps, and what the one says beside what the other does."""
    with one_thread(), np.errstate(all="ignore"):
        ended = [trained(spec) for spec in specs]
        paths = loops(specs, steps, [int(summary["steps"]) for summary, _ in ended])
        cases = [
            Case(spec=spec, summary=summary, path=path)
            for spec, (summary, _), path in zip(specs, ended, paths, strict=True)
        ]
        return [
            Judged(case=case, text=text, statements=tuple(statements(case, text)))
            for case, (_, text) in zip(cases, ended, strict=True)
        ]


def statements(case: Case, text: str) -> Iterator[Statement]:
    """Those of the explanation `text`, to its last letter."""
    while text:
        for pattern, check in CHECKS:
            if found := re.match(pattern, text):
                yield Statement(text=found[0].strip(), fault=check(case, found))
                text = text[found.end() :]
                break
        else:
            yield Statement(text=text, fault="nothing checks it")
            return


def _unless(holds: bool, fault: str) -> str | None:  # noqa: FBT001 - what is claimed
    return None if holds else fault


def _converged(case: Case, _: re.Match[str]) -> str | None:
    end = case.beta(case.path.end)
    rest = np.linalg.norm(np.linalg.pinv(case.spec.X, rcond=1e-10) @ (case.spec.X @ end - case.spec.y))
    size = np.linalg.norm(end) or 1.0
    low = case.path.losses[-1] <= TOLERANCE * case.zero_loss
    still = case.path.losses[-1] < case.path.losses[len(case.path.losses) // 2] and rest < 1e-3 * size
    is_near = (
        abs(np.linalg.norm(end) - case.summary["l2_norm"])
        <= ((case.summary["limit_error"] or 1.0) + 1e-8) * size + 3 * rest
    )
    smooth = case.summary["path"] == "smooth"
    if not (low or still):
        return f"the loop is at a loss of {case.path.losses[-1]:.2g}"
    return _unless(is_near or not smooth, f"the loop ends at ‖β‖ = {np.linalg.norm(end):.10g}")


def _diverged(case: Case, _: re.Match[str]) -> str | None:
    until = case.path.losses if case.spec.batch_size else case.path.losses[: case.steps // 64 + 1]
    gone = ~(until <= 1e12 * max(case.path.losses[0], case.zero_loss))
    return _unless(bool(gone.any()) or _is_frozen(case), "the loop is finite there")


def _is_frozen(case: Case) -> bool:
    """Whether the loop, whose rounding is another, does not move from an interpolator that is unstable."""
    is_still = np.array_equal(case.path.last[0], case.path.end)
    return is_still and case.over(case.sharpness(case.path.end)) > 1


def _oscillates(case: Case, _: re.Match[str]) -> str | None:
    later = case.path.from_step(case.steps)
    floor = case.least_loss + TOLERANCE * case.zero_loss
    if not (np.isfinite(later).all() and later.min() > floor):
        return f"the loop is at a loss of {later[-1]:.2g}"
    one, two, three = case.path.last
    swing, drift = np.linalg.norm(two - one), np.linalg.norm(three - one)
    if case.summary["cycle_period"] == 2 and not drift <= 0.1 * swing:
        return "the loop has no period of 2"
    alike = abs(np.log(swing / np.linalg.norm(one) / case.summary["cycle_amplitude"])) < np.log(10)
    return _unless(bool(alike), f"the loop swings by {swing / np.linalg.norm(one):.2g}")


def _exhausted(case: Case, _: re.Match[str]) -> str | None:
    there = case.loss_of(case.beta(case.path.there))
    floor = case.least_loss + TOLERANCE * (case.zero_loss - case.least_loss)
    return _unless(there > floor, f"the loop is at a loss of {there:.2g}")


def _unpushed(case: Case, _: re.Match[str]) -> str | None:
    theta = case.path.there
    fits = case.loss_of(case.beta(theta)) <= TOLERANCE * case.zero_loss
    is_unstable = case.over(case.sharpness(theta)) >= 1
    return _unless((fits and is_unstable) or is_decided_by_rounding(case.summary), "the loop does not")


def _stationary(case: Case, _: re.Match[str]) -> str | None:
    excess = case.path.losses[-1] - case.least_loss
    near = excess <= 1e-9 * case.zero_loss
    return _unless(case.least_loss > 0 and near, f"the loop is {excess:.2g} above the least squares")


def _stands_still(case: Case, _: re.Match[str]) -> str | None:
    return _unless(bool(np.array_equal(case.path.there, case.path.end)), "the loop moves on")


def _where(case: Case, found: re.Match[str]) -> str | None:
    own = {
        "what is stable at the start": case.sharpness(np.full((2, case.spec.X.shape[1]), case.spec.scale)),
        "what is stable at the least ℓ2 norm": case.flattest_sharpness(case.beta_l2),
    }
    for number, name in re.findall(r"([\d.e+-]+) × (what is stable at the [\w ℓ]+?|η\*)(?=,| and|\.)", found[0]):
        if name in own and not np.isclose(float(number), case.over(own[name]), rtol=6e-3):
            return f"{name}: {case.over(own[name]):.4g}"
        if name == "η*":
            return _flattest(case, float(number))
    return None


def _flattest(case: Case, ratio: float) -> str | None:
    """No interpolator of a thousand is flatter than the flattest."""
    rng, null = np.random.default_rng(0), np.linalg.svd(case.spec.X)[2][np.linalg.matrix_rank(case.spec.X) :]
    least = case.sharpness_where(case.spec.step_size / ratio)
    for size in np.repeat(np.linalg.norm(case.beta_l2) * np.array([0.01, 0.1, 1.0]), 300):
        beta = case.beta_l2 + size * rng.standard_normal(len(null)) @ null
        if case.flattest_sharpness(beta) < least * (1 - 6e-3):
            return f"β = {beta} is flatter"
    return None


def _unstable_in_the_mean_square(case: Case, _: re.Match[str]) -> str | None:
    """E‖θ − θ̂‖² of minibatches without replacement, M = (1 − q)G + qN·diag(G), at the end of the run or nearly so."""
    X, samples, size = case.spec.X, len(case.spec.y), case.spec.batch_size or len(case.spec.y)
    depth, q = case.spec.depth, (samples - size) / (size * max(samples - 1, 1))
    c = depth**2 * np.square(case.path.there ** (depth - 1)).sum(axis=0)
    gram = (X * c) @ X.T / samples
    sharpness = np.linalg.eigvalsh((1 - q) * gram + q * samples * np.diag(np.diag(gram)))[-1]
    return _unless(case.spec.step_size * sharpness > 1.9, "minibatches are stable in the mean square")


def _holds(holds: Callable[[Case], bool], fault: str) -> Callable[[Case, re.Match[str]], str | None]:
    return lambda case, _: _unless(bool(holds(case)), fault)


def _number_is(value: Callable[[Case], float]) -> Callable[[Case, re.Match[str]], str | None]:
    return lambda case, found: _unless(
        bool(np.isclose(float(found["K"]), value(case), rtol=6e-2)), f"it is {value(case):.4g}"
    )


def _settles(spec: NastySpec) -> str | None:
    """Whether a spec neither diverges nor oscillates, or does so once it has done as it is told."""
    for _ in range(FOLLOWED):
        summary, text = trained(spec)
        if summary["outcome"] not in UNSETTLED:
            return None
        if found := re.search(r"lower η to ([\d.e+-]*\d)", text):
            spec = spec.at(float(found[1]))
        elif "halve η" in text:
            spec = spec.at(spec.step_size / 2)
        elif "take ascents that are not normalised" in text:
            spec = spec.at(spec.step_size, normalized=False)
        else:
            break
    return f"at η = {spec.step_size:.3g} it is {summary['outcome']}"


def _lowered(case: Case, found: re.Match[str]) -> str | None:
    return _settles(case.spec.at(float(found["T"])))


def _warmed(case: Case, _: re.Match[str]) -> str | None:
    summary, _ = trained(case.spec.at(case.spec.step_size, warmup_steps=50_000))
    return _unless(summary["outcome"] not in UNSETTLED, f"warmed up for 50,000 steps it is {summary['outcome']}")


def _sharper_on_its_way(case: Case, _: re.Match[str]) -> str | None:
    theta, most = np.full((2, case.spec.X.shape[1]), case.spec.scale), 0.0
    for step in range(min(case.steps, 5000)):
        rate = case.spec.step_size * min(1.0, (step + 1) / max(case.spec.warmup_steps, 1))
        theta = theta - rate * gradient_of(case.spec, theta)
        if not np.isfinite(theta).all():
            break
        most = max(most, case.sharpness(theta))
    return _unless(case.over(most) > 1, f"the largest ηλ is {most * case.spec.step_size:.3g}")


def _to_and_fro(case: Case, _: re.Match[str]) -> str | None:
    one, two, three = case.path.last
    swing, drift = np.linalg.norm(two - one), np.linalg.norm(three - one)
    is_normalized = bool(case.spec.optimizer.get("normalized"))
    return _unless(is_normalized and drift <= 0.1 * swing, f"two steps lead {drift:.2g} away, and one {swing:.2g}")


def _ascends_by_samples(case: Case, _: re.Match[str]) -> str | None:
    """It stays away from the least squares, and does not with ascents along the mean gradient."""
    excess = case.path.losses[-1] - case.least_loss
    summary, _ = trained(case.spec.at(case.spec.step_size, ascent="full"))
    is_away = excess > TOLERANCE * case.zero_loss
    return _unless(
        is_away and summary["outcome"] == "stationary", f"it is {excess:.2g} above, then {summary['outcome']}"
    )


def _flatter_and_no_nearer(case: Case, _: re.Match[str]) -> str | None:
    here, later = case.sharpness(case.path.there), case.sharpness(case.path.end)
    nearer = case.path.losses[-1] / case.path.from_step(case.steps)[0]
    return _unless(
        later <= here * (1 + 1e-6) and nearer > 0.5, f"λ goes from {here:.6g} to {later:.6g}, loss × {nearer:.2g}"
    )


def _halved(case: Case, _: re.Match[str]) -> str | None:
    return _settles(case.spec.at(case.spec.step_size / 2))


def _raised(case: Case, found: re.Match[str]) -> str | None:
    summary, _ = trained(case.spec.at(0.9 * float(found["K"]) * case.spec.step_size))
    return _unless(summary["outcome"] not in UNSETTLED, f"it is {summary['outcome']} then")


def _falls_on(case: Case, _: re.Match[str]) -> str | None:
    return _unless(case.path.losses[-1] < case.path.from_step(case.steps)[0], "the loop's loss falls no further")


def _from_larger(case: Case, _: re.Match[str]) -> str | None:
    """At a scale of 1, and a step size below what is stable there."""
    spec = case.spec
    larger = replace(spec, scale=1.0)
    summary, _ = trained(larger)
    known = [summary[name] for name in ("start_stable_step", "flow_stable_step", "max_stable_step") if summary[name]]
    summary, _ = trained(larger.at(float(f"{0.3 * min([spec.step_size, *known]):.6g}")))
    return _unless(summary["outcome"] in {"converged", "stationary"}, f"it is {summary['outcome']} then")


def _pushed(case: Case, _: re.Match[str]) -> str | None:
    pushed = replace(case.spec, stopping={})
    summary, _ = trained(pushed)
    return _unless(summary["outcome"] != "unstable_interpolator", "it stays")


def _unique(case: Case, _: re.Match[str]) -> str | None:
    if np.linalg.matrix_rank(case.spec.X) < case.spec.X.shape[1]:
        return None
    away = np.linalg.norm(case.beta(case.path.end) - case.beta_l2) / np.linalg.norm(case.beta_l2)
    return _unless(away < 1e-4, f"the loop ends {away:.2g} from them")


def _never_at_rest(case: Case, _: re.Match[str]) -> str | None:
    later = case.path.from_step(case.steps) - case.least_loss
    return _unless(np.median(later) > 1e-6 * case.zero_loss, "the loop comes to rest")


def _flatter_than_flow(case: Case, _: re.Match[str]) -> str | None:
    here, flow = case.sharpness(case.path.end), case.sharpness_where(case.summary["flow_stable_step"])
    return _unless(case.ratio("flow_stable_step") >= 1 and here < flow, f"λ = {here:.4g} is above {flow:.4g}")


def _reach(case: Case) -> float:
    return float(case.summary["max_stable_step"] / case.summary["flow_stable_step"])


def _overshoots(case: Case) -> bool:
    return not np.nanmax(case.path.first) <= case.path.first[0] or not np.isfinite(case.path.first).all()


def _left_early(case: Case, _: re.Match[str]) -> str | None:
    return _unless(case.steps < case.spec.warmup_steps, "it was over")


def _lower_or_longer(case: Case, _: re.Match[str]) -> str | None:
    return _settles(case.spec.at(case.summary["step_size"] / 8))


NUMBER: Final = r"[\d.e+-]*\d"
CHECKS: Final[tuple[tuple[str, Callable[[Case, re.Match[str]], str | None]], ...]] = (
    (r"Converged\. ?", _converged),
    (r"Diverged within \d+ steps\. ?", _diverged),
    (r"Oscillates after \d+ steps: the loss stays bounded and does not converge\. ?", _oscillates),
    (r"Had not converged after \d+ steps, all that were allowed\. ?", _exhausted),
    (r"Fits the data at a point where its step size is unstable, and was not pushed\. ?", _unpushed),
    (r"Ended at the least squares: no predictor fits these data exactly\. ?", _stationary),
    (r"Stands still: its steps have become too small for float64\. ?", _stands_still),
    (r"η = [^ ]+ is .*?(η\*|ℓ2 norm|flow|start)\.( |$)", _where),
    (
        (
            r"The limit of gradient flow is stable at this η( for steps of all samples)?, which is no cause "
            r"to leave it\W ?"
        ),
        _holds(lambda case: case.ratio("flow_stable_step") < 1, "it is not"),
    ),
    (
        rf"to see what the step size does take multiples of flow_stable_step above 1, up to (?P<K>{NUMBER}) at η\*\. ?",
        _number_is(_reach),
    ),
    (
        r"to see what the step size does take multiples of flow_stable_step above 1\. ?",
        _holds(lambda case: not _reach(case) < 1, "η* is below"),
    ),
    (
        rf"η\* is (?P<K>{NUMBER}) times that limit's own, so that larger steps have hardly anything flatter .*?\. ?",
        _number_is(_reach),
    ),
    (
        (
            r"The limit of gradient flow is unstable at this η: the run ended where the loss is flatter, at another "
            r"interpolator unless only one fits\. ?"
        ),
        _flatter_than_flow,
    ),
    (
        (
            rf"η\* belongs to an interpolator that descent from here does not come near \(it is "
            rf"(?P<K>{NUMBER}) times .*?"
            r'"flow_stable_step"\}\. ?'
        ),
        _number_is(_reach),
    ),
    (
        (
            r"Above η\* no interpolator is known to be stable( with parameters θ ≥ 0; at odd depth others "
            r"may be flatter "
            r"\(max_stable_step_sign_free in the analysis\))?: "
        ),
        _holds(lambda case: case.ratio("max_stable_step") >= 1, "η is below"),
    ),
    (
        r"The least squares of least ℓ2 norm are unstable at this η: ",
        _holds(lambda case: case.over(case.flattest_sharpness(case.beta_l2)) >= 1, "they are not"),
    ),
    (r"The first steps at full η overshoot: ", _holds(_overshoots, "the loop's loss falls from the first step on")),
    (
        r"Its warm-up did not lead to where this η is stable: ",
        _holds(lambda case: 0 < case.spec.warmup_steps <= case.steps, "it has none, or was not over"),
    ),
    (
        r"It is led to where this η is unstable: ",
        _holds(lambda case: case.ratio("flow_stable_step") >= 1, "the limit of the flow is stable"),
    ),
    (rf"lower η to (?P<T>{NUMBER})( or less, as minibatches are less stable)?", _lowered),
    (
        r", or (try a \(longer\) warm-up to one below η\*|warm up \(longer\), which may lead to where .* is stable)",
        _holds(lambda case: case.least_loss == 0, "no least squares are"),
    ),
    (r", or warm up \(longer\)", _warmed),
    (r"\. ?", lambda *_: None),
    (
        r"Every known threshold is above η, ",
        _holds(lambda case: max(case.ratios) < 1, "it is not"),
    ),
    (r"so on its way the loss is sharper than at both ends: ", _sharper_on_its_way),
    (
        r"but minibatches are less stable than steps of all samples: ",
        _holds(lambda case: case.spec.batch_size is not None, "there are none"),
    ),
    (
        r"but they are those of small deviations, and momentum carries a run beyond them: ",
        _holds(lambda case: case.spec.momentum > 0, "there is none"),
    ),
    (
        r"halve η, (lower the momentum, )?(warm up \(longer\), or start closer to 0|or take larger ones)",
        _halved,
    ),
    (
        (
            r"but a normalised ascent has the length ρ however near a minimum is, about which the run goes to and fro "
            r"by ηλρ/\(2 − ηλ\): lower ρ or η, or take ascents that are not normalised\. ?"
        ),
        _to_and_fro,
    ),
    (
        r"but they are those of ascents along the mean gradient, and 1-SAM is less stable: halve η, or lower ρ",
        _halved,
    ),
    (
        (
            r"Where nothing interpolates the ascents of samples never vanish, and a run does not come to the least "
            r"squares: lower ρ, or take ascents along the mean gradient\. More steps alone change little\. ?"
        ),
        _ascends_by_samples,
    ),
    (r"More steps lead to where λ is less, and no nearer\. ?", _flatter_and_no_nearer),
    (
        (
            r"Its ascents keep their length ρ, by which it goes to and fro within the loss tolerance, and on to where "
            r"the loss is flatter: its limit_error is 1\. Take ascents that are not normalised, or a lower ρ\. ?"
        ),
        _to_and_fro,
    ),
    (rf"η is small beside every threshold: raise it up to (?P<K>{NUMBER}) times\. ?", _raised),
    (
        (
            r"Allow more steps \(stopping\.max_steps\): no threshold stands against it, but a start close to "
            r"0 and columns "
            r"that are nearly alike take long\. ?"
        ),
        _falls_on,
    ),
    (
        (
            r"Allow more steps \(stopping\.max_steps\), or lower η below the thresholds that it exceeds, "
            r"above which a run "
            r"settles slowly if at all\. ?"
        ),
        _holds(lambda case: max(case.ratios) >= 1, "there is none"),
    ),
    (
        (
            r"It is still near the saddle θ = 0, where steps are small: start from a larger scale(, and "
            r"lower η below the "
            r"thresholds that it exceeds)?\. ?"
        ),
        _from_larger,
    ),
    (r"Allow more steps \(stopping\.max_steps\)\. ?", lambda *_: None),
    (
        (
            r"Where nothing interpolates minibatches never come to rest: lower η, by which they stay closer "
            r"to the least "
            r"squares, or train on all samples\. More steps alone change little\. ?"
        ),
        _never_at_rest,
    ),
    (
        (
            r"Minibatches do not come to rest there, and the run was only passing by: its limit_error is 1\. Lower η, "
            r"by which they stay closer to the least squares, or train on all samples\. ?"
        ),
        _never_at_rest,
    ),
    (
        (
            r"Minibatches may lead it away again, as at this η they are not stable in the mean square: its "
            r"limit_error is 1\. Lower η, or take larger ones\. ?"
        ),
        _unstable_in_the_mean_square,
    ),
    (
        (
            r"It was stopped too early to say how far its limit is \(limit_error is null\): lower "
            r"stopping\.loss_tolerance, or with stopping\.steps take more of them\. ?"
        ),
        _holds(lambda case: case.summary["limit_error"] is None, "it is known"),
    ),
    (
        (
            r"Where parameters are still close to 0, as at the saddle of a deep network, start from a larger "
            r"scale; where "
            r"they are large their rounding swallows the steps, and a smaller scale, or scaled data, help\. "
        ),
        _from_larger,
    ),
    (r"Steps are lost in the rounding of large parameters: start from a smaller scale\. ", lambda *_: None),
    (r"More steps change nothing\. ?", _stands_still),
    (r"Let it be perturbed \(stopping\.perturb\), or lower η\. ?", _pushed),
    (r"Where the least squares are unique, optimiser and step size change the way there alone\. ?", _unique),
    (
        r"Compare its risk with those of ridge and lasso, where the analysis has them\. ?",
        _holds(lambda case: case.least_loss > 0, "something interpolates"),
    ),
    (rf"Its warm-up of \d+ steps was not over: η had grown to {NUMBER} of {NUMBER}\. ", _left_early),
    (r"Lower η, warm up longer, or start closer to 0\. ?", _lower_or_longer),
)
