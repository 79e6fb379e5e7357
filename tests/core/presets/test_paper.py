"""What the paper and its re-derivations say in numbers, on its own data."""

import numpy as np
import pytest

from core.analysis.problem import analyse_problem
from core.data.regression import excess_risk
from core.descent.optimizers import LabelNoise
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from core.stability.sharpness import interpolator_sharpness_of
from tests.core.problems import paper_problem
from tests.core.trainings import ended_of, planned, problem_of

LEAST_SHARPNESS = [
    (Diagonal(2), 250.1726),
    (Diagonal(3), 374.1943),
    (Diagonal(4), 508.5725),
    (Diagonal(6), 841.3083),
    (UV(), 125.0863),
]


@pytest.mark.parametrize(("network", "expected"), LEAST_SHARPNESS)
def test_the_least_sharpness_of_the_papers_data(network: Network, expected: float) -> None:
    """Between bounds that agree to 1e-6; at depth 3 parameters of any sign take it down by 2^(−1/3)."""
    analysis = analyse_problem(paper_problem(), network, "key").analysis
    assert analysis.min_sharpness_upper == pytest.approx(expected, abs=1e-4)
    assert analysis.min_sharpness_gap <= 1e-6
    free = expected * 2 ** (-1 / 3) if network == Diagonal(3) else expected
    assert analysis.min_sharpness_sign_free_upper == pytest.approx(free, abs=1e-4)


def test_far_off_centre_the_flattest_interpolator_is_a_sparse_one() -> None:
    """Its risk falls from above that of β = 0 to about the least-ℓ1 one; the least trace is near that at any mean."""
    centred, off_centre = (
        analyse_problem(paper_problem(mean=mean), Diagonal(2), "key").analysis for mean in (0.0, 5.0)
    )
    risk = {
        (mean, name): analysis.interpolators[name].excess_risk
        for mean, analysis in ((0, centred), (5, off_centre))
        for name in ("flattest", "min_l1", "least_trace")
    }
    assert risk[0, "flattest"] > 1
    assert risk[5, "flattest"] == pytest.approx(risk[5, "min_l1"], rel=0.2)
    assert risk[0, "least_trace"] == pytest.approx(risk[0, "min_l1"], rel=0.2)
    assert max(centred.min_sharpness_gap, off_centre.min_sharpness_gap) <= 1e-5


@pytest.mark.parametrize(("network", "expected"), [LEAST_SHARPNESS[0], LEAST_SHARPNESS[1], LEAST_SHARPNESS[4]])
def test_beyond_the_plateau_sharpness_rides_the_threshold(network: Network, expected: float) -> None:
    """Within 1 %: runs from a large scale end with λ_max = 2/η, and none above the largest stable step."""
    data = paper_problem()
    fractions = (0.3, 0.6, 0.9, 1.05)
    runs = [
        planned(
            place,
            init_scale=0.7,
            dim=100,
            parts=len(network.parts),
            step_size=fraction * 2 / expected,
            warmup_steps=20_000,
            loss_tolerance=1e-7,
            max_steps=1_000_000,
            record_points=0,
        )
        for place, fraction in enumerate(fractions)
    ]
    *riding, beyond = ended_of(problem_of(data, 2.0002 / expected, network), runs)
    assert beyond.outcome is Outcome.OSCILLATING
    for trained in riding:
        sharpness = interpolator_sharpness_of(data.X, network.tangent_weights(trained.theta)).value
        assert trained.outcome is Outcome.CONVERGED
        assert sharpness * trained.run.step_size / 2 == pytest.approx(1, abs=0.01)


def test_label_noise_takes_centred_data_to_the_least_trace() -> None:
    """Variance 1 for 3.8·10⁵ steps, then none: from 1.37, where the step size alone leaves it, to about .013."""
    data = paper_problem(mean=0.0)
    noise = LabelNoise(noise_variance=1.0, noise_steps=380_000)
    settings = {"init_scale": 1.0, "step_size": 0.01, "loss_tolerance": 1e-4, "max_steps": 2_000_000}
    noisy, quiet = (
        ended_of(problem_of(data, np.inf), [planned(0, dim=100, record_points=0, **settings | optimizer)])[0]
        for optimizer in ({"optimizer": noise}, {})
    )
    risks = [float(excess_risk(Diagonal(2).predictor(trained.theta), data)) for trained in (noisy, quiet)]
    assert [trained.outcome for trained in (noisy, quiet)] == [Outcome.CONVERGED, Outcome.CONVERGED]
    assert risks[0] == pytest.approx(0.013, abs=0.001)
    assert risks[1] == pytest.approx(1.37, abs=0.02)
    assert np.isfinite(noisy.loss)
