"""Few steps of every optimiser on every network, and what is said of their end, once more: in fifty digits.

Written from the formulas of the paper and of those named below; nothing of the project is used. Random numbers come
from outside: those of the data, of a random start, of minibatches and of label noise. X has a row for each sample.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tests.reference.rounded import ONE, UNIT, Rounded, dot, exactly, total

Vector = list[Rounded]
Rows = list[list[Rounded]]

UV: Final = 0
"""In place of a depth."""


@dataclass(frozen=True, kw_only=True)
class Law:
    """x ~ N(μ·1, σ²I), y ~ N(⟨β*, x⟩, `noise_variance`), the first r* entries of β* being 1/√r* (section 7)."""

    mean: float
    variance: float
    noise_variance: float
    sparsity: int

    def true_predictor(self, dim: int) -> Vector:
        """β*."""
        entry = Rounded(1 / Decimal(self.sparsity).sqrt(), 2 * UNIT)
        return [entry if i < self.sparsity else exactly(0.0) for i in range(dim)]

    def data(self, normal: list[list[float]], noise: list[float]) -> tuple[Rows, Vector]:
        """X and y from standard normal numbers."""
        X = [[exactly(self.mean) + root(self.variance) * exactly(z) for z in row] for row in normal]
        truth = self.true_predictor(len(normal[0]))
        return X, [dot(row, truth) + root(self.noise_variance) * exactly(z) for row, z in zip(X, noise, strict=True)]

    def excess_risk(self, predictor: Vector) -> Rounded:
        """½(σ²‖e‖² + (μ·1ᵀe)²), e = β − β*: the population risk above its least."""
        e = [b - t for b, t in zip(predictor, self.true_predictor(len(predictor)), strict=True)]
        return (exactly(self.variance) * dot(e, e) + (exactly(self.mean) * total(e)) ** 2) / 2


@dataclass(frozen=True, kw_only=True)
class Descent:
    """θ(t+1) = θ(t) − η_t∇L + m(θ(t) − θ(t−1)), η_t = η·min(1, (t+1)/W); plain descent has m = 0.

    The loss of step t is that of the samples `batches[t]`, all of them if None, with y + `label_noise[t]` for y.
    """

    step_size: float
    warmup_steps: int = 0
    momentum: float = 0.0
    batches: Sequence[Sequence[int]] | None = None
    label_noise: Sequence[Sequence[float]] | None = None

    def step_at(self, t: int) -> Rounded:
        """η_t, of two roundings."""
        warm = exactly(1.0) if t + 1 >= self.warmup_steps else exactly(t + 1.0) / self.warmup_steps
        return exactly(self.step_size) * warm

    def gradient(self, X: Rows, y: Vector, predictor: Vector, t: int) -> Vector:
        """The gradient g = Ê[x(⟨β, x⟩ − y)] of step t in β."""
        noise = self.label_noise[t] if self.label_noise else [0.0] * len(y)
        chosen = self.batches[t] if self.batches else range(len(y))
        residual = {j: dot(X[j], predictor) - y[j] - exactly(noise[j]) for j in chosen}
        # Weights N/b in place of a mean over b are one rounding more.
        return [again(total(X[j][i] * residual[j] for j in chosen) / len(residual)) for i in range(len(predictor))]

    def moved(self, eta: Rounded, g: Vector, row: tuple[Vector, Vector, Vector]) -> Vector:
        """One part of θ after a step, from what it is and was, and ∂β/∂θ."""
        m = exactly(self.momentum)
        # As u(1 ∓ x), and with a velocity that is kept, a step is one rounding more.
        return [again(u - eta * (s * each) + m * (u - v)) for u, v, s, each in zip(*row, g, strict=True)]


@dataclass(kw_only=True)
class Path:
    """Where a run is, and what its squared model has gathered on the way (Even et al. 2023): Σx and Σq±, x = 2ηg."""

    X: Rows
    y: Vector
    depth: int
    theta: Rows
    start: Rows = field(init=False)
    before: Rows = field(init=False)
    gradient_sum: Vector = field(init=False)
    q_plus: list[Decimal] = field(init=False)
    q_minus: list[Decimal] = field(init=False)

    def __post_init__(self) -> None:
        self.start, self.before, dim = self.theta, self.theta, len(self.theta[0])
        self.gradient_sum = [exactly(0.0)] * dim
        self.q_plus, self.q_minus = [Decimal(0)] * dim, [Decimal(0)] * dim

    def walk(self, descent: Descent, steps: int) -> "Path":
        """So many steps of descent."""
        for t in range(steps):
            eta = descent.step_at(t)
            g = descent.gradient(self.X, self.y, predictor(self.theta, self.depth), t)
            self._accumulate([eta * each for each in g])
            rows = zip(self.theta, self.before, slopes(self.theta, self.depth), strict=True)
            moved = [descent.moved(eta, g, row) for row in rows]
            self.theta, self.before = moved, self.theta
        return self

    def _accumulate(self, steps: Vector) -> None:
        """x_t = 2η_t g_t, for UV in the squared model at half the step."""
        factor = exactly(1.0 if self.depth == UV else self.depth)
        for i, step in enumerate(steps):
            self.gradient_sum[i] = self.gradient_sum[i] + factor * step
            if self.depth in {UV, 2}:
                x = (factor * step).value
                self.q_plus[i] += -2 * x - ((1 - x) ** 2).ln()
                self.q_minus[i] += 2 * x - ((1 + x) ** 2).ln()


def again(number: Rounded) -> Rounded:
    """The same number, rounded once more."""
    return Rounded(number.value, number.error + UNIT * abs(float(number.value)))


def root(number: float) -> Rounded:
    """√number."""
    value = Decimal(number).sqrt()
    return Rounded(value, UNIT * float(value))


def initial(scales: tuple[Vector, Vector], depth: int, shape: float) -> Rows:
    """u± = α±; with UV u± = α±√((1−s)/(1+s)), v± = α±√((1+s)/(1−s)) (Azulay et al. 2021)."""
    if depth != UV:
        return [list(part) for part in scales]
    stretch = ((1 - Decimal(shape)) / (1 + Decimal(shape))).sqrt()
    factors = [Rounded(each, 4 * UNIT * float(each)) for each in (stretch, 1 / stretch)]
    return [[scale * factor for scale in part] for factor in factors for part in scales]


def predictor(theta: Rows, depth: int) -> Vector:
    """β = u₊^D − u₋^D (eqs. 4, 12), or u₊v₊ − u₋v₋ (eq. 34); the parts of θ are u₊, u₋, v₊, v₋."""
    if depth == UV:
        return [p * vp - m * vm for p, m, vp, vm in zip(*theta, strict=True)]
    return [p**depth - m**depth for p, m in zip(*theta, strict=True)]


def slopes(theta: Rows, depth: int) -> Rows:
    """∂β_i/∂θ_ki."""
    if depth == UV:
        plus, minus, v_plus, v_minus = theta
        return [v_plus, [-v for v in v_minus], plus, [-u for u in minus]]
    scaled = [[exactly(depth) * u ** (depth - 1) for u in part] for part in theta]
    return [scaled[0], [-s for s in scaled[1]]]


def loss(path: Path) -> Rounded:
    """L = ‖Xβ − y‖²/(2N)."""
    beta = predictor(path.theta, path.depth)
    r = [dot(row, beta) - target for row, target in zip(path.X, path.y, strict=True)]
    return dot(r, r) / (2 * len(r))


def hessian(path: Path) -> Rows:
    """∂²L/∂θ∂θ: the Gauss–Newton part ∂β_a G ∂β_b with G = XᵀX/N, and g times the second derivatives of β."""
    dim, depth, parts = len(path.X[0]), path.depth, len(path.theta)
    s, g = slopes(path.theta, depth), Descent(step_size=0.0).gradient(path.X, path.y, predictor(path.theta, depth), 0)
    gram = [[total(row[i] * row[j] for row in path.X) / len(path.X) for j in range(dim)] for i in range(dim)]
    places = [(k, i) for k in range(parts) for i in range(dim)]
    H = [[s[k][i] * gram[i][j] * s[m][j] for m, j in places] for k, i in places]
    for i in range(dim):
        for k, other, curved in second_derivatives(path, i):
            a, b = k * dim + i, other * dim + i
            H[a][b] = H[a][b] + curved * g[i]
    return H


def second_derivatives(path: Path, i: int) -> list[tuple[int, int, Rounded]]:
    """The ∂²β_i/∂θ_k∂θ_m that are not zero."""
    if path.depth == UV:
        signs = {(0, 2): ONE, (2, 0): ONE, (1, 3): -ONE, (3, 1): -ONE}
        return [(k, m, sign) for (k, m), sign in signs.items()]
    factor = exactly(path.depth * (path.depth - 1.0))
    power = [factor * part[i] ** (path.depth - 2) for part in path.theta]
    return [(0, 0, power[0]), (1, 1, -power[1])]


def top_eigenvalue(matrix: Rows) -> Rounded:
    """λ_max of a symmetric matrix by Jacobi's rotations, in error by ‖δM‖_F (Weyl) and n units of ‖M‖_F."""
    size = len(matrix)
    M = [[entry.value for entry in row] for row in matrix]
    norm = float(sum(entry**2 for row in M for entry in row).sqrt())
    error = math.hypot(*(entry.error for row in matrix for entry in row)) + size * 2 * UNIT * norm
    for _ in range(40):
        if not any(abs(M[p][q]) > Decimal(10) ** -40 * Decimal(norm) for p in range(size) for q in range(p)):
            break
        for p in range(size):
            for q in range(p + 1, size):
                _rotate(M, p, q)
    return Rounded(max(M[i][i] for i in range(size)), error)


def _rotate(M: list[list[Decimal]], p: int, q: int) -> None:
    """M ← JᵀMJ with M_pq = 0 (Golub and Van Loan, section 8.5)."""
    if M[p][q] == 0:
        return
    tau = (M[q][q] - M[p][p]) / (2 * M[p][q])
    t = (1 if tau >= 0 else -1) / (abs(tau) + (1 + tau * tau).sqrt())
    c = 1 / (1 + t * t).sqrt()
    s = t * c
    for row in M:
        row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
    M[p], M[q] = (
        [c * a - s * b for a, b in zip(M[p], M[q], strict=True)],
        [s * a + c * b for a, b in zip(M[p], M[q], strict=True)],
    )


def stability_measure(path: Path) -> Rounded:
    """Σ_i c_i (Êx_i)² with c_i = Σ_k (∂β_i/∂θ_ki)² (eqs. 8, 14, with D² outside the norm; lemma C.1 for UV)."""
    weights = [total(s * s for s in column) for column in zip(*slopes(path.theta, path.depth), strict=True)]
    return dot(weights, _squared_means(path.X))


def weighted_norm(path: Path) -> Rounded:
    """D²Σ|β_i|^p (Êx_i)² with p = 2(D−1)/D, for UV 2Σ|β_i| (Êx_i)² (theorems 4.2, 6.2, B.1)."""
    degree = path.depth or 2
    p = Decimal(2 * (degree - 1)) / degree
    factor = exactly(float(degree**2) if path.depth else 2.0)
    powers = [factor * _real_power(abs(b), p) for b in predictor(path.theta, path.depth)]
    return dot(powers, _squared_means(path.X))


def _real_power(base: Rounded, p: Decimal) -> Rounded:
    # |β|^p is Hölder where β is not known to be away from 0.
    if base.value <= Decimal(2 * base.error):
        return Rounded(base.value**p, 3.0 * base.error**0.9)
    return base.of(base.value**p, 2 * p * base.value ** (p - 1))


def _squared_means(X: Rows) -> Vector:
    return [(total(column) / len(X)) ** 2 for column in zip(*X, strict=True)]


def squared_twin(path: Path, theta: Rows) -> Rows:
    """(u₊, u₋) of the squared model with the same β: for UV ½√(a±² + b∓²) with a = u + v, b = u − v."""
    if path.depth != UV:
        return theta
    rows = zip(*theta, strict=True)
    both = [((p + vp) ** 2 + (m - vm) ** 2, (p - vp) ** 2 + (m + vm) ** 2) for p, m, vp, vm in rows]
    halves = [[half.of(half.value.sqrt() / 2, 1 / (4 * half.value.sqrt())) for half in pair] for pair in both]
    return [list(part) for part in zip(*halves, strict=True)]


def effective_scale(path: Path) -> Vector:
    """√A of each coordinate, A = α₊α₋ and α±² = u±(0)² exp(−Σq±): from the path, not from its end."""
    start, end = squared_twin(path, path.start), squared_twin(path, path.theta)
    known = zip(*start, *end, path.q_plus, path.q_minus, strict=True)
    from_path = [(abs(a.value * b.value) * (-(q + p) / 2).exp()).sqrt() for a, b, _, _, q, p in known]
    ends = [abs(a * b) for a, b in zip(*end, strict=True)]
    return [A.of(scale, 1 / (2 * A.value.sqrt())) for scale, A in zip(from_path, ends, strict=True)]


def mirror_error(path: Path) -> Decimal:
    """The largest error of β = 2A sinh(δ − 2Σx), δ = ln(α₊/α₋), over the path so far: 0 in exact arithmetic."""
    start, scales = squared_twin(path, path.start), effective_scale(path)
    beta = predictor(path.theta, path.depth)
    worst = Decimal(0)
    for i, scale in enumerate(scales):
        delta = (start[0][i].value / start[1][i].value).copy_abs().ln() + (path.q_minus[i] - path.q_plus[i]) / 2
        grown = (delta - 2 * path.gradient_sum[i].value).exp()
        worst = max(worst, abs(scale.value**2 * (grown - 1 / grown) - beta[i].value))
    return worst


def certificate_bound(path: Path) -> float:
    """Most of what float64 may report as the part of asinh(β/2A) − δ = −2Σx outside the row space, relative to it."""
    end = squared_twin(path, path.theta)
    errors = [2 * part.error + 16 * UNIT for part in path.gradient_sum]
    logs = [abs(float((a.value / b.value).copy_abs().ln())) for a, b in zip(*end, strict=True)]
    size = math.hypot(*(2 * float(part.value) for part in path.gradient_sum))
    return math.hypot(*errors, *(8 * UNIT * each for each in logs)) / size if size else 0.0
