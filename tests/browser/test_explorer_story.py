"""What the five stops of the explorer say is so: computed by the core from the settings that the page itself has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from core.descent.batch_descent import BatchState
from core.descent.kernel import kernel_names, kernels
from core.descent.loss_events import NO_EVENTS
from core.interpolators.flattest import flattest_interpolator
from core.interpolators.least_norm import min_l1, min_l2
from core.networks.network import Diagonal
from core.stability.sharpness import interpolator_sharpness_of, trajectory_sharpness
from stepbias.explorer.document import document

NETWORK = Diagonal(2)
EVERY_STEP = replace(NO_EVENTS, interval=1)


@dataclass(frozen=True, kw_only=True)
class Told:
    """One run of the story, trained by the core; distances are those of its end from the landmarks."""

    X: np.ndarray
    end: np.ndarray
    losses: np.ndarray
    sharpnesses: np.ndarray
    limit: float
    sparsest: np.ndarray
    shortest: np.ndarray
    flattest: np.ndarray
    sharpness_of: Callable[[np.ndarray], float]

    def far(self, landmark: str) -> float:
        """‖end − landmark‖."""
        return float(np.linalg.norm(self.end - getattr(self, landmark)))

    @property
    def rests(self) -> bool:
        """Whether it interpolates, where that is stable."""
        return bool(self.losses[-1] <= 1e-18 * self.losses[0] and self.sharpnesses[-1] < self.limit)


Telling = Callable[..., Told]


@pytest.fixture(scope="module")
def told(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telling]:
    """What the core makes of a stop, with changes of its settings."""
    file = tmp_path_factory.mktemp("explorer") / "page.html"
    file.write_text(document(), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())

    def of(stop: int, **changes: float) -> Told:
        link = "&".join([f"story={stop}", *(f"{name}={value}" for name, value in changes.items())])
        posed = page.evaluate("link => stepbias.posed(stepbias.fromLink(link, stepbias.STOPS).choice)", link)
        return _trained(posed["problem"], posed["method"])

    yield of
    page.close()


def _trained(problem: dict[str, Any], method: dict[str, float]) -> Told:
    """8,000 steps, with the sharpness at each of the first 400 and at every hundredth."""
    X, y = np.array(problem["X"]), np.array(problem["y"])
    start = np.full((2, 1, X.shape[1]), method["initScale"])
    batch = kernels()[kernel_names()[0]](X, y, NETWORK, BatchState.begin(start, len(y)))
    losses, sharpnesses = [], []
    for steps in [1] * 400 + [100] * 76:
        losses += batch.advance(np.full((steps, 1), method["stepSize"]), events=EVERY_STEP).losses[:, 0].tolist()
        sharpnesses += trajectory_sharpness(X, y, batch.theta, NETWORK).tolist()
    return Told(
        X=X,
        end=NETWORK.predictor(batch.theta)[0],
        losses=np.array(losses),
        sharpnesses=np.array(sharpnesses),
        limit=2 / method["stepSize"],
        sparsest=min_l1(X, y).predictor,
        shortest=min_l2(X, y).predictor,
        flattest=flattest_interpolator(X, y, NETWORK).predictor,
        sharpness_of=lambda beta: interpolator_sharpness_of(X, NETWORK.least_tangent_weights(beta)).value,
    )


def test_a_small_start_ends_beside_the_sparsest(told: Telling) -> None:
    """And beside it the more, the smaller it is; a larger one of .5 does not."""
    run, smaller, larger = told(1), told(1, alpha=0.01), told(1, alpha=0.5)
    assert run.sparsest == pytest.approx([1, 0])
    assert run.rests
    assert run.far("sparsest") < 0.1 < run.far("shortest")
    assert smaller.far("sparsest") < 0.02
    assert larger.far("shortest") < 0.06 < larger.far("sparsest")


def test_a_large_start_ends_at_the_shortest(told: Telling) -> None:
    """α alone differs between the ends; between them it goes over from one to the other."""
    large, middle, small = told(2), told(2, alpha=0.3), told(2, alpha=0.05)
    assert large.rests
    assert large.far("shortest") < 0.001
    assert large.far("shortest") < middle.far("shortest") < small.far("shortest")
    assert small.far("sparsest") < 0.1


def test_beyond_the_sharpness_of_the_sparsest_a_larger_step_ends_flatter(told: Telling) -> None:
    """Sharpness 16 and 8; up to .49 η*, where 2/η > 16, nothing much happens; at η* = 2/8 nothing is stable."""
    run = told(3)
    assert told(3, eta=1).limit == pytest.approx(8)
    assert run.sharpness_of(run.sparsest) == pytest.approx(16)
    assert run.sharpness_of(run.flattest) == pytest.approx(8)
    gentle = [told(3, eta=eta) for eta in (0.05, 0.2, 0.4, 0.49)]
    assert all(each.rests and each.far("sparsest") < 0.1 and each.limit > 16 for each in gentle)
    larger = [told(3, eta=eta) for eta in (0.49, 0.52, 0.6, 0.7, 0.8, 0.85)]
    assert all(each.rests for each in larger)
    distances = [each.far("flattest") for each in larger]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.35
    assert all(each.sharpness_of(each.end) < each.limit for each in larger)


def test_at_the_edge_the_loss_goes_up_and_sharpness_comes_down_to_the_line(told: Telling) -> None:
    """It is above 2/η on the way, just below it in the end; beyond η* nothing rests, a gentle step never gets there."""
    edge = told(4)
    assert edge.rests
    assert edge.sharpnesses.max() > edge.limit > edge.sharpnesses[-1] > 0.9 * edge.limit
    assert (np.diff(edge.losses[:400]) > 0).sum() > 20
    assert not told(4, eta=1.05).rests
    gentle = told(4, eta=0.4)
    assert gentle.rests
    assert gentle.sharpnesses.max() < gentle.limit
    assert (np.diff(gentle.losses[:30]) < 0).all()


def test_off_centre_the_flattest_is_the_truth_and_a_large_step_finds_it(told: Telling) -> None:
    """At mean 4 it does; without a mean the flattest is elsewhere, and the large step leads away."""
    large, small = told(5), told(5, eta=0.02)
    assert large.flattest == pytest.approx([1, 0, 0], abs=1e-6)
    assert large.sparsest == pytest.approx([1, 0, 0], abs=1e-6)
    assert large.far("sparsest") < 0.02
    assert small.far("sparsest") > 0.6
    centred, large_step = told(5, mean=0, eta=0.02), told(5, mean=0, eta=0.95)
    assert centred.sparsest == pytest.approx([1, 0, 0], abs=1e-6)
    assert np.linalg.norm(centred.flattest - centred.sparsest) > 1
    assert centred.rests
    assert large_step.rests
    assert large_step.far("sparsest") > centred.far("sparsest") + 0.2
    assert large_step.far("flattest") < centred.far("flattest")


def test_a_mean_makes_sharpness_a_weighted_sum(told: Telling) -> None:
    """λ is Σ4(Êx_i)²|β_i| to 12 % at all three landmarks at mean 4, and far from it at the truth without a mean."""
    run, centred = told(5), told(5, mean=0)
    for landmark in (run.sparsest, run.shortest, run.flattest):
        weighted = 4 * np.abs(landmark) @ run.X.mean(axis=0) ** 2
        assert weighted <= run.sharpness_of(landmark) <= 1.12 * weighted
    assert centred.sharpness_of(centred.sparsest) > 1.9 * 4 * np.abs(centred.sparsest) @ centred.X.mean(axis=0) ** 2
