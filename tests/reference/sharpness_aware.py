"""Sharpness-aware minimisation of β = u∘v by the loops of its paper (Andriushchenko and Flammarion 2022).

Many runs go side by side, each with its own step size γ, start u = a·1, v = 0 and radius ρ.
"""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, kw_only=True, slots=True)
class Ascent:
    """Runs whose descent gradients are taken where an ascent of length ρ leads, unnormalised."""

    X: Array
    y: Array
    step_size: Array
    init_scale: Array
    radius: Array

    def predictors(self, steps: int, *, each_sample: bool) -> Array:
        """β of every run: ascent along the mean gradient (n-SAM), or for `each_sample` along its own (1-SAM)."""
        u, v = self.layers(steps, each_sample=each_sample)
        return u * v

    def layers(self, steps: int, *, each_sample: bool, start: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
        """(u, v) of every run, from `start` if it is given."""
        ones = np.ones((1, self.X.shape[1]))
        u, v = start or (self.init_scale[:, None] * ones, np.zeros((len(self.init_scale), self.X.shape[1])))
        gradient = self._of_each_sample if each_sample else self._of_all
        for _ in range(steps):
            du, dv = gradient(u, v)
            u, v = u - self.step_size[:, None] * du, v - self.step_size[:, None] * dv
        return u, v

    def _of_all(self, u: Array, v: Array) -> tuple[Array, Array]:
        """The gradient of L at (u + ρ∂_uL, v + ρ∂_vL)."""
        g, rho = self._slope(u * v), self.radius[:, None]
        u, v = u + rho * v * g, v + rho * u * g
        g = self._slope(u * v)
        return v * g, u * g

    def _of_each_sample(self, u: Array, v: Array) -> tuple[Array, Array]:
        """The mean over samples k of their gradients at (u + 2ρ r_k x_k∘v, v + 2ρ r_k x_k∘u)."""
        pull = 2 * self.radius[:, None, None] * (u * v @ self.X.T - self.y)[:, :, None] * self.X
        u, v = u[:, None] + pull * v[:, None], v[:, None] + pull * u[:, None]
        slope = ((u * v * self.X).sum(axis=-1) - self.y)[:, :, None] * self.X
        return (slope * v).mean(axis=1), (slope * u).mean(axis=1)

    def _slope(self, beta: Array) -> Array:
        """∂L/∂β of L = ‖Xβ − y‖²/(2n)."""
        return (beta @ self.X.T - self.y) @ self.X / len(self.y)
