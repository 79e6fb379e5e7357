"""A step of the interior-point method: the equations that it solves, and how far it goes along them."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from core.interpolators import interior_point
from core.interpolators.coordinate_law import CoordinateLaw, coordinate_law
from core.interpolators.interior_point import _Newton, _Point, _start, _Step
from core.interpolators.spectral_programme import SpectralProgramme


class Case(NamedTuple):
    """A random programme of a power and a size, and how many steps have been taken."""

    power: float
    order: int
    dim: int
    steps: int


cases = pytest.mark.parametrize(
    "case",
    [
        Case(power, order, dim, steps)
        for power in (1.0, 4 / 3, 1.75)
        for order, dim in ((3, 5), (2, 8))
        for steps in (0, 3)
    ],
    ids="{0.power:.2f}-{0.order}-{0.dim}-{0.steps}".format,
)


class At(NamedTuple):
    """A point of the method, and what is made of it there."""

    programme: SpectralProgramme
    law: CoordinateLaw
    point: _Point
    newton: _Newton

    @property
    def weights(self) -> np.ndarray:
        """a_iᵀPa_i."""
        return np.array([a @ self.point.dual_matrix @ a for a in self.programme.columns.T])

    @property
    def subgradient(self) -> np.ndarray:
        """basis·κ."""
        return self.programme.basis @ self.point.multipliers

    @property
    def values(self) -> np.ndarray:
        """β and c."""
        return np.array(self.law.values(self.point.parts, self.weights, self.subgradient))

    def framed(self, matrix: np.ndarray) -> np.ndarray:
        """Of a slack matrix in the frame where Z is the identity."""
        return self.newton._frame_map.T @ matrix @ self.newton._frame_map

    def unframed(self, matrix: np.ndarray) -> np.ndarray:
        """A dual matrix from that frame."""
        return self.newton._frame_map @ matrix @ self.newton._frame_map.T


def at(case: Case, level: float = 1.0) -> At:
    """So many steps from the start of a random programme, with so much of the level there, which violates if not 1."""
    rng = np.random.default_rng(case.order + case.dim)
    basis = np.linalg.qr(rng.standard_normal((case.dim, 2)))[0]
    programme = SpectralProgramme(
        columns=rng.standard_normal((case.order, case.dim)), basis=basis, target=np.array([0.6, 0.8]), power=case.power
    )
    law = coordinate_law(case.power)
    point = _start(programme, law)
    for _ in range(case.steps):
        point = _Newton(programme, law, point).advanced()
    point = replace(point, level=level * point.level)
    return At(programme, law, point, _Newton(programme, law, point))


def symmetric(rng: np.random.Generator, order: int) -> np.ndarray:
    """A random matrix."""
    half = rng.standard_normal((order, order))
    return half + half.T


@cases
def test_a_step_solves_the_linearised_conditions(case: Case) -> None:
    """Trace, fit, slack matrix, the laws of β and c, and the products PZ and parts·slack as they were asked for."""
    here, rng = at(case), np.random.default_rng(0)
    programme, law, point = here.programme, here.law, here.point
    rhs_matrix, rhs_parts = symmetric(rng, case.order), rng.standard_normal(point.parts.shape)
    step = here.newton._step(rhs_matrix, rhs_parts)
    dual_matrix, slack = here.unframed(step.framed_dual_matrix), here.newton._slack_change(step)
    close: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-7 * float(np.abs(step.tangent_weights).max())}
    weights = np.array([a @ dual_matrix @ a for a in programme.columns.T])
    np.testing.assert_allclose(step.weights, weights, rtol=1e-7, atol=1e-7 * np.abs(weights).max())
    np.testing.assert_allclose(step.subgradient, programme.basis @ step.multipliers, rtol=1e-12)
    assert np.trace(point.dual_matrix + dual_matrix) == pytest.approx(1, abs=1e-7)
    (predictor, tangent_weights), h = here.values, 1e-6
    if case.power == 1:
        np.testing.assert_allclose(step.parts[0] + step.parts[1], step.tangent_weights, **close)
        change = step.parts[0] - step.parts[1]
        pull = point.parts / law.slack(here.weights, here.subgradient) * law.slack(weights, step.subgradient)
        np.testing.assert_allclose(step.parts, rhs_parts - pull, **close)
    else:
        ends = [
            law.values(point.parts, here.weights + way * weights, here.subgradient + way * step.subgradient)
            for way in (h, -h)
        ]
        change, slope = (np.array(ends[0]) - np.array(ends[1])) / (2 * h)
        np.testing.assert_allclose(step.tangent_weights, slope, **close)
    np.testing.assert_allclose(programme.basis.T @ (predictor + change), programme.target, **close)
    gram = programme.columns @ np.diag(tangent_weights + step.tangent_weights) @ programme.columns.T
    after = (point.level + step.level) * np.eye(case.order) - gram
    np.testing.assert_allclose(point.slack + slack, after, rtol=1e-6, atol=1e-7 * np.abs(after).max())
    framed = here.framed(slack)
    np.testing.assert_allclose(step.framed_slack, framed, rtol=1e-6, atol=1e-7 * np.abs(framed).max())
    mean = (here.newton._frame.spectrum[:, None] + here.newton._frame.spectrum) / 2
    asked = mean * framed + step.framed_dual_matrix
    np.testing.assert_allclose(asked, rhs_matrix, rtol=1e-6, atol=1e-6 * np.abs(step.framed_dual_matrix).max())


@cases
def test_what_is_foreseen_of_a_step_is_what_comes_of_it(case: Case) -> None:
    """The mean product and the violation of the equations, at the point to which it leads."""
    here = at(case)
    step = here.newton._step(-np.diag(here.newton._frame.spectrum), -here.point.parts)
    for length in (0.0, 0.25, 0.5):
        there = here.newton._moved(step, length)
        after = At(here.programme, here.law, there, here.newton)
        product = float(np.trace(there.dual_matrix @ there.slack))
        slack = here.law.slack(after.weights, after.subgradient)
        mean = (product + float((there.parts * slack).sum())) / (case.order + slack.size)
        assert here.newton._mean_product(step, length) == pytest.approx(mean, rel=1e-6)
        predictor, tangent_weights = after.values
        missing = here.programme.target - here.programme.basis.T @ predictor
        gram = here.programme.columns @ np.diag(tangent_weights) @ here.programme.columns.T
        excess = there.level * np.eye(case.order) - gram - there.slack
        left = np.hypot(np.linalg.norm(missing), np.linalg.norm(excess) / here.point.level)
        found = here.newton._violation(step, here.newton._slack_change(step), length)
        assert found == pytest.approx(left, rel=1e-6, abs=1e-10)


@cases
@pytest.mark.parametrize("long", [1e-9, 1.0, 100.0])
def test_a_step_leaves_a_fiftieth_of_the_room_in_every_cone(case: Case, long: float) -> None:
    """P, Z, parts and slack relative to what they were: the first to shrink keeps 1/50, or the step is whole."""
    here = at(case)
    step = here.newton._step(long * symmetric(np.random.default_rng(1), case.order), -long * here.point.parts)
    length = here.newton._room(step)
    root = np.diag(here.newton._frame.spectrum**-0.5)
    dual_matrix = np.eye(case.order) + length * root @ step.framed_dual_matrix @ root
    slack = here.law.slack(here.weights, here.subgradient)
    left = min(
        np.linalg.eigvalsh(dual_matrix)[0],
        np.linalg.eigvalsh(np.eye(case.order) + length * step.framed_slack)[0],
        (1 + length * step.parts / here.point.parts).min(initial=1.0),
        (1 + length * step.part_slack / slack).min(initial=1.0),
    )
    assert 0 < length <= 1
    assert left >= 0.02 - 1e-9
    assert length == 1 or left == pytest.approx(0.02, abs=1e-7)
    inwards = {"framed_dual_matrix": np.eye(case.order), "framed_slack": np.eye(case.order), "part_slack": slack}
    assert here.newton._room(replace(step, parts=here.point.parts, **inwards)) == 1


@cases
@pytest.mark.parametrize("long", [1.0, 10.0, 1000.0])
@pytest.mark.parametrize("level", [1.0, 2.0])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # a length that is too great is judged by its NaN
def test_a_step_is_shortened_until_the_equations_are_violated_less(case: Case, long: float, level: float) -> None:
    """By a twentieth of its length, or to what is left of the gap; at p = 1, where they are linear, it never is."""
    here = at(case, level)
    step = here.newton._step(-np.diag(here.newton._frame.spectrum), -here.point.parts)
    step = replace(step, weights=long * step.weights, subgradient=long * step.subgradient)
    mean, room = here.newton._mean_product(step, 0.0), here.newton._room(step)
    length, slack = here.newton._length(step, mean), here.newton._slack_change(step)
    gap = mean * (case.order + here.point.parts.size) / here.point.level

    def suffices(part: float) -> bool:
        left, before = (here.newton._violation(step, slack, at) for at in (part, 0.0))
        return left <= max((1 - 0.05 * part) * before, (1 - part) * gap)

    tried = [room * 0.6**k for k in range(40)]
    expected = room if case.power == 1 else next(part for part in tried if suffices(part) or part <= 1e-6)
    assert length == pytest.approx(expected, rel=1e-12)


@cases
def test_the_corrector_makes_up_for_the_product_of_the_predictor(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """With it every product is the same to second order: the mean one, by the cube of what the predictor leaves."""
    here, taken, asked = at(case), list[_Step](), list[np.ndarray]()
    solve = _Newton._step

    def noted(newton: _Newton, rhs_matrix: np.ndarray, rhs_parts: np.ndarray) -> _Step:
        asked.append(rhs_matrix)
        taken.append(solve(newton, rhs_matrix, rhs_parts))
        return taken[-1]

    monkeypatch.setattr(interior_point._Newton, "_step", noted)
    here.newton.advanced()
    affine, step = taken
    spectrum, slack = here.newton._frame.spectrum, here.law.slack(here.weights, here.subgradient)
    product = affine.framed_dual_matrix @ affine.framed_slack
    centre = asked[1] + np.diag(spectrum) + (product + product.T) / 2
    mean = here.newton._mean_product(affine, 0.0)
    left = here.newton._mean_product(affine, here.newton._room(affine))
    aim = mean * min(1.0, max((max(left, 0.0) / mean) ** 3, 1e-6))
    np.testing.assert_allclose(asked[0], -np.diag(spectrum), rtol=1e-14)
    np.testing.assert_allclose(centre, aim * np.eye(case.order), rtol=1e-9, atol=1e-9 * mean)
    parts = here.point.parts
    products = parts * (slack + step.part_slack) + slack * step.parts + affine.parts * affine.part_slack
    np.testing.assert_allclose(products, np.full_like(products, aim), rtol=1e-5, atol=1e-6 * mean)
