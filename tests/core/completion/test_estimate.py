"""The error that a completion tells, from the formulas of docs/science/completion.md by dense linear algebra."""

import numpy as np
import pytest

from core.completion.completion import Completer, Completion
from core.completion.flow_path import sharpness_on_the_way
from core.data.row_space import interpolator_set
from core.implicit_bias.conserved_form import ConservedForm
from core.implicit_bias.gradient_flow import flow_limit_from
from core.networks.network import Diagonal
from core.stability.gram_spectrum import GramSpectrum
from tests.core.completion.test_bound import walk
from tests.core.problems import small_problem
from tests.reference.proven_bound import Given, proven_bound

DATA, STEP = small_problem(8), 0.02


def sharpness_of(c: np.ndarray) -> float:
    """λ_max of (1/N)·X diag(c) Xᵀ."""
    return float(np.linalg.eigvalsh(DATA.X @ np.diag(c) @ DATA.X.T / 3)[-1])


def on_the_way(theta: np.ndarray, depth: int) -> float:
    """The largest sharpness between an iterate and its limit."""
    space = interpolator_set(DATA.X, DATA.y)
    return sharpness_on_the_way(space, GramSpectrum.of(space), ConservedForm(theta=theta, depth=depth), enough=np.inf)


@pytest.mark.parametrize(
    ("depth", "scale", "steps"),
    [(2, 0.3, 40), (2, 0.3, 150), (2, 0.3, 600), (3, 0.6, 200), (3, 0.6, 2000), (4, 0.7, 400)],
)
def test_the_estimate_is_first_order_and_all_of_it(depth: int, scale: float, steps: int) -> None:
    """‖P‖·ηL/(1 − ηλ/2)·max drift/z·(1 + D/3·max|x|) and what the solver and rounding leave, over ‖β‖."""
    theta = walk(DATA, Diagonal(depth), np.full((2, 7), scale), STEP, steps)
    found = Completer(DATA, Diagonal(depth)).complete(theta, step_size=STEP, tolerance=np.inf)
    assert isinstance(found, Completion)
    D, limit = depth, found.theta
    beta = flow_limit_from(DATA.X, DATA.y, theta, Diagonal(depth)).predictor
    np.testing.assert_allclose(limit[0] ** D - limit[1] ** D, beta, atol=1e-12)
    missing = DATA.X @ (theta[0] ** D - theta[1] ** D) - DATA.y
    loss, x = float(missing @ missing) / 6, D * STEP / 3 * (missing @ DATA.X)
    z, z_limit = ((u ** (2 * D - 2)).sum(axis=0) for u in (theta, limit))
    pull = (theta ** (D - 2)).max(axis=0) * np.abs(x)
    curved = sharpness_of(D * D * z) + (D - 1) * pull.max() / STEP
    moment = float((DATA.X**2).mean(axis=0).max())
    divergence = max(float((limit**2 * np.log(limit**2 / theta**2) - limit**2 + theta**2).sum()), 0.0)
    ball = (np.sqrt(sharpness_of(D * D * z_limit)) + 2 * np.sqrt(moment * divergence)) ** 2
    is_confined = D == 2 and (np.isfinite(found.bound) or STEP * ball <= 1)
    met = max(curved, sharpness_of(D * D * z_limit), ball if is_confined else on_the_way(theta, D))
    drift = D * (D - 1) / 2 * np.abs(limit[0] ** (3 * D - 4) - limit[1] ** (3 * D - 4))
    shares = [*(drift / z), *(D * (D - 1) / 2 * (limit ** (D - 2)).ravel())]
    leaving = STEP * loss / (1 - STEP * met / 2) * max(shares) * (1 + D / 3 * pull.max())
    stays = (z_limit * DATA.X).T @ np.linalg.solve(DATA.X * z_limit @ DATA.X.T, DATA.X)
    norm = np.linalg.norm(np.eye(7) - stays, 2)
    defect = norm * 1e-14 * np.linalg.norm((limit**D).sum(axis=0))
    size = np.linalg.norm(beta)
    assert found.estimate == pytest.approx((norm * leaving + defect) / size, rel=1e-5, abs=1e-13)
    assert found.sharpness == pytest.approx(sharpness_of(D * D * z_limit), rel=1e-9)
    slope = 2 * D * (D - 1) * (limit ** (D - 2)).max() * np.linalg.norm(DATA.X, 2) ** 2 / 3
    assert found.sharpness_error == pytest.approx(slope * (norm * leaving + defect + leaving), rel=1e-5, abs=1e-12)
    if D > 2:
        assert found.bound == np.inf
        return
    given = Given(
        u_plus=theta[0].tolist(),
        u_minus=theta[1].tolist(),
        s=(2 * np.log(limit[0] / theta[0])).tolist(),
        eta=STEP,
        loss=loss,
        sharpness=found.sharpness,
        m=moment,
        largest=float(np.linalg.norm(DATA.X, 2)) ** 2 / 3,
        norm_p=float(norm),
        r=float(np.linalg.norm(DATA.X.T @ np.linalg.solve(DATA.X * z_limit @ DATA.X.T, DATA.X), 2)),
    )
    assert found.bound == pytest.approx((float(proven_bound(given)) + defect) / size, rel=1e-2)
