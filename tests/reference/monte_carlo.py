"""The population risk of a predictor by drawing from the population."""

import math

import numpy as np


def risk_with_error(
    predictor: np.ndarray,
    true_predictor: np.ndarray,
    *,
    mean: float,
    variance: float,
    noise_variance: float,
    rng: np.random.Generator,
    draws: int,
) -> tuple[float, float]:
    """The mean of ½(⟨β, x⟩ − y)² over fresh samples, and its standard error."""
    x = rng.normal(mean, math.sqrt(variance), size=(draws, len(predictor)))
    y = x @ true_predictor + rng.normal(0, math.sqrt(noise_variance), size=draws)
    losses = (x @ predictor - y) ** 2 / 2
    return float(losses.mean()), float(losses.std() / math.sqrt(draws))
