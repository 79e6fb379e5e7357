"""Up to which step size minibatch SGD is stable in the mean square at an interpolator: exactly, for the linear model.

Near θ̂ with Xβ = y a step is e ← (I − ηH_B)e, H_B the mean over a minibatch of the H_k = J_kJ_kᵀ, J_k the gradient of
sample k's output. If minibatches are drawn anew at every step, the second moment Σ = E[eeᵀ] obeys

    Σ ← Σ − η(HΣ + ΣH) + η²[(1 − q)·HΣH + (q/N)·Σ_k H_kΣH_k],    H = (1/N)·Σ_k H_k,

with q = (N − b)/(b(N − 1)) without replacement and 1/b with it. E‖e‖² does not grow iff η ≤ 2/λ_max(C†D), 2ηC and η²D
being the two terms (Mulayoff and Michaeli, Exact mean square linear stability analysis for SGD, COLT 2024, theorem 1,
where q is p). The operators have the order (D·d)². But C and the first term of D are diagonal among products of
eigenvectors of H, and the second has rank N: with H = Σ_i λ_i e_ie_iᵀ and a_ki = ⟨J_k, e_i⟩/√N, 2C − ηD is positive
semidefinite iff ηλ_max(H) ≤ 2 and no eigenvalue of the N × N matrix

    F_kl(η) = Σ_ij a_ki·a_li·a_kj·a_lj · ηqN/(λ_i + λ_j − η(1 − q)λ_iλ_j)

is above 1. Its entries are nonnegative, as the last factor is a positive definite kernel, and grow with η at least in
proportion: so the threshold is the one root of λ_max(F(η)) = 1, and any w > 0 bounds λ_max(F) by max_k (Fw)_k/w_k
(Collatz and Wielandt), any w ≠ 0 from below by wᵀFw/wᵀw.

With momentum m (derived here) the second moments of (e, its last) in a pair of modes are a linear recurrence of order
four, and what stays of what is fed into its first entry at every step is

    ηqN/[(1 − m)(λ_i + λ_j) − η(λ_i − mλ_j)(λ_j − mλ_i)/(1 − m²) + ηqλ_iλ_j],

the last factor of F then, with ηλ_max(H) ≤ 2 + 2m. The map of second moments keeps the cone of positive semidefinite
ones, so that its spectral radius is an eigenvalue: the least η at which that is 1 is the least root of λ_max(F(η)) = 1.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.optimize import brentq
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

MARGIN: Final = 1e-9
"""Relative distance from the root at which a bound is tried to be proven on either side."""

FEWEST: Final = 24
"""Samples up to which all of F is formed at once."""

POWERS: Final = 12
"""Products with F by which its top eigenvector is looked for from one nearby; Lanczos takes twenty or more."""

NEAR: Final = 1e-8
"""Of a unit vector from the one before: what is left of its error, squared, is below rounding."""

SETTLED: Final = 1e-10
"""Relative change of the root after which the next, which is of the order of its square, would be none."""

MOST_ROUNDS: Final = 8
"""Three are usual."""

SCANNED: Final = 16
"""Step sizes that are looked at for the least root with momentum."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanSquareStep:
    """The largest η that is stable in the mean square: from `lower` to `upper`, which is proven but for rounding.

    With momentum it is a crossing of λ_max(F) = 1, the first of those that 16 equal steps to (2 + 2m)/λ_max(H) show. ∞
    where no output depends on θ, NaN where something is not finite.
    """

    step_size: float
    lower: float
    upper: float


def minibatch_moment(
    X: Float64[np.ndarray, "sample dim"], tangent_weights: Float64[np.ndarray, " dim"], dispersion: float
) -> Float64[np.ndarray, "sample sample"]:
    """M = (1 − q)·G + qN·diag(G), G = (1/N)·X diag(c) Xᵀ: E‖g_B‖² = rᵀMr/N of the gradients of minibatches."""
    samples = len(X)
    gram = (X * tangent_weights) @ X.T / samples
    moment: Float64[np.ndarray, "sample sample"] = (1 - dispersion) * gram + dispersion * samples * np.diag(
        np.diag(gram)
    )
    return moment


def mean_square_stable_step(
    X: Float64[np.ndarray, "sample dim"],
    tangent_weights: Float64[np.ndarray, " dim"],
    dispersion: float,
    momentum: float = 0.0,
) -> MeanSquareStep:
    """The threshold where J_k = √c∘x_k, as far as inner products tell, with tangent weights c; q is `dispersion`.

    Below (2 + 2m)/λ_max(H), which it is where q = 0, and without momentum above 2/λ_max(M), M of `minibatch_moment`.
    Cost O(N²d), and O(N³) some dozens of times; with momentum some hundreds.
    """
    with np.errstate(all="ignore"):
        scaled = X * np.sqrt(tangent_weights / len(X))
    if not np.isfinite(scaled).all():
        return MeanSquareStep(step_size=np.nan, lower=np.nan, upper=np.nan)
    size = float(np.abs(scaled).max(initial=0.0))
    if not size:
        return MeanSquareStep(step_size=np.inf, lower=np.inf, upper=np.inf)
    unit = scaled / size  # so that no square leaves the range of float64
    left, values, _ = np.linalg.svd(unit, full_matrices=False)
    upper = (2 + 2 * momentum) / float(values[0]) ** 2
    found = MeanSquareStep(step_size=upper, lower=upper, upper=upper)
    if dispersion:
        feedback = _Feedback(modes=left * values, values=values**2, dispersion=dispersion, momentum=momentum)
        moment = minibatch_moment(unit * np.sqrt(len(X)), np.ones(X.shape[1]), dispersion)
        lower = 0.0 if momentum else min(2 / float(np.linalg.eigvalsh(moment)[-1]), upper)
        found = _between(feedback, lower, upper)
    with np.errstate(all="ignore"):
        return MeanSquareStep(
            step_size=found.step_size / size / size, lower=found.lower / size / size, upper=found.upper / size / size
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Feedback:
    """F(η), by its products."""

    modes: Float64[np.ndarray, "sample mode"]
    values: Float64[np.ndarray, " mode"]
    dispersion: float
    momentum: float

    def gain(self, step_size: float) -> Float64[np.ndarray, "mode mode"]:
        """What stays of a second moment that is fed into a pair of modes at every step, times ηqN/η²."""
        m, here, there = self.momentum, self.values[:, None], self.values
        turned = (here - m * there) * (there - m * here) / (1 - m * m)
        left = (1 - m) * (here + there) - step_size * (turned - self.dispersion * here * there)
        fed = step_size * self.dispersion * len(self.modes)
        gain: Float64[np.ndarray, "mode mode"] = np.divide(fed, left, out=np.zeros_like(left), where=left > 0)
        return gain

    def product(self, step_size: float, vector: Float64[np.ndarray, " sample"]) -> Float64[np.ndarray, " sample"]:
        """F(η)·w: what is left, sample by sample, of second moments w_k·a_ka_kᵀ that are fed in at every step."""
        moment = (self.modes.T * vector) @ self.modes * self.gain(step_size)
        response: Float64[np.ndarray, " sample"] = ((self.modes @ moment) * self.modes).sum(axis=1)
        return response

    def crossing(self, vector: Float64[np.ndarray, " sample"], lower: float, upper: float) -> float:
        """The η between these at which wᵀF(η)w = wᵀw: of a w near the top eigenvector, off by the square of what w is.

        What w is fed into is made once: it costs no product with the modes to ask for another η.
        """
        fed = np.square((self.modes.T * vector) @ self.modes)
        length = float(vector @ vector)

        def excess(step_size: float) -> float:
            return float((fed * self.gain(step_size)).sum()) - length if step_size else -length

        if excess(lower) >= 0:
            return lower
        return upper if excess(upper) <= 0 else float(brentq(excess, lower, upper, xtol=1e-15 * upper, rtol=1e-14))

    def refined(self, step_size: float, vector: Float64[np.ndarray, " sample"]) -> Float64[np.ndarray, " sample"]:
        """The top eigenvector from a nonnegative one nearby, by powers of F where few are enough."""
        for _ in range(POWERS):
            image = self.product(step_size, vector)
            image /= np.linalg.norm(image) or 1.0
            off, vector = float(np.linalg.norm(image - vector)), image
            if off <= NEAR:
                return vector
        return self.top(step_size)[1]

    def top(self, step_size: float) -> tuple[float, Float64[np.ndarray, " sample"]]:
        """Its largest eigenvalue and the eigenvector, which is nonnegative."""
        samples = len(self.modes)
        if samples > FEWEST:
            matrix = LinearOperator(
                (samples, samples), matvec=lambda vector: self.product(step_size, vector.ravel()), dtype=np.float64
            )
            with suppress(ArpackError):  # which it is where the largest eigenvalues are many
                values, vectors = eigsh(matrix, k=1, which="LA", v0=np.ones(samples))
                return float(values[-1]), np.abs(vectors[:, -1])
        values, vectors = np.linalg.eigh(np.array([self.product(step_size, row) for row in np.eye(samples)]))
        return float(values[-1]), np.abs(vectors[:, -1])

    def has_positive_entries(self, step_size: float) -> bool:
        """Whether no entry of F is negative, as where its kernel is positive semidefinite; without momentum it is."""
        if not self.momentum:
            return True
        scale = np.sqrt(self.values + self.values.max() * np.finfo(np.float64).eps)
        values = np.linalg.eigvalsh(self.gain(step_size) * scale[:, None] * scale)
        return bool(values[0] >= -len(values) * np.finfo(np.float64).eps * values[-1])

    def bounds(self, step_size: float, vector: Float64[np.ndarray, " sample"]) -> tuple[float, float]:
        """Of its largest eigenvalue, from below and from above, by a vector near that of it."""
        positive = self.product(step_size, vector + np.finfo(np.float64).eps * vector.max())
        positive = self.product(step_size, positive)
        if not positive.min() > 0:  # a sample on which no output depends has no part in it
            positive = positive + np.finfo(np.float64).tiny
        image = self.product(step_size, positive)
        return float(positive @ image / (positive @ positive)), float((image / positive).max())


def _between(feedback: _Feedback, lower: float, upper: float) -> MeanSquareStep:
    """The root, and what is proven of it: at worst that it is between the bounds given."""

    def excess(step_size: float) -> float:
        return feedback.top(step_size)[0] - 1 if step_size else -1.0  # F(0) = 0

    if feedback.momentum:  # the least root is between the first two of these that it is between
        tried = np.linspace(0, upper, SCANNED + 1)[1:]
        upper = next((step_size for step_size in tried if excess(step_size) > 0), upper)
    size, vector = feedback.top(upper)
    if size <= 1:
        return MeanSquareStep(step_size=upper, lower=lower, upper=upper)
    root, before = feedback.crossing(vector, lower, upper), np.inf
    for _ in range(MOST_ROUNDS):
        if abs(root - before) <= SETTLED * root:
            break
        vector = feedback.refined(root, vector)
        root, before = feedback.crossing(vector, lower, upper), root
    else:
        root = lower if excess(lower) >= 0 else float(brentq(excess, lower, upper, xtol=1e-15 * upper, rtol=1e-14))
        vector = feedback.top(root)[1]
    proven = _proven(feedback, root, vector, lower, upper)
    if lower in proven or upper in proven:  # more digits of w may be enough
        proven = _proven(feedback, root, feedback.top(root)[1], lower, upper)
    return MeanSquareStep(step_size=root, lower=proven[0], upper=proven[1])


def _proven(
    feedback: _Feedback, root: float, vector: Float64[np.ndarray, " sample"], lower: float, upper: float
) -> tuple[float, float]:
    """Bounds of the root by a vector near the top eigenvector there: at worst those that are known."""
    below, above = root * (1 - MARGIN), root * (1 + MARGIN)
    is_proven_below = feedback.has_positive_entries(below) and feedback.bounds(below, vector)[1] <= 1
    is_proven_above = above < upper and feedback.bounds(above, vector)[0] >= 1
    return max(lower, below) if is_proven_below else lower, above if is_proven_above else upper
