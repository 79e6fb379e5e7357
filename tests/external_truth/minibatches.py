"""SGD of the notebooks: with the samples that they drew, and with those of ours as a law."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from tests.external_truth.problem import (
    SAM,
    SPARSE_FEATURES,
    TWICE_AS_LARGE,
    End,
    Leg,
    Problem,
    ends,
    in_legs,
    uniform,
)
from tests.external_truth.row import Draw, Row

MOST, MANY, SOME = 2000, 400, 100
"""Runs of which a law is made: where the line is far out in its tail; of short runs, or of those of which nearly all
diverge; of long ones."""

LAST: Final = 99_599

QUANTITIES: Final = {
    "train_loss": "training loss",
    "test_loss": "test loss",
    "norm": "‖(u, v)‖",
    "nonzero": "entries of u∘v that are not zero",
    "balance": "‖abs(u) − abs(v)‖",
}

LINES: Final[Sequence[tuple[str, Problem, int, Sequence[Leg], dict[str, str]]]] = (
    ("n = 20, d = 30, γ = 1/9", SAM, MANY, ((10_001, 1 / 9),), {"test_loss": "0.00917508147156238"}),
    ("n = 20, d = 30, γ = 1/3", SAM, MANY, ((10_001, 1 / 3),), {"test_loss": "0.002480534609648869"}),
    (
        "n = 20, d = 30, γ = .6, then .2",
        SAM,
        MOST,
        ((5001, 0.6), (5000, 0.2)),
        {"train_loss": "3.8729665455897834e-08", "test_loss": "3.982127812000106e-08"},
    ),
    (
        "n = 80, d = 200, γ = .25",
        TWICE_AS_LARGE,
        SOME,
        ((LAST, 0.25),),
        {
            "train_loss": "1.4216162873995314e-06",
            "test_loss": "0.003528621943603826",
            "norm": "2.5705361849781974",
            "balance": "0.00016493386927656734",
        },
    ),
    (
        "n = 80, d = 200, γ = .282, divided by 4.8 after a tenth",
        TWICE_AS_LARGE,
        SOME,
        ((10_001, 0.282), (LAST - 10_001, 0.282 / 4.8)),
        {"test_loss": "0.0006594051602101788", "norm": "2.5402884044255885", "nonzero": "156"},
    ),
    (
        "n = 80, d = 200, γ = .282, divided by 3.4 after three tenths",
        TWICE_AS_LARGE,
        SOME,
        ((30_001, 0.282), (LAST - 30_001, 0.282 / 3.4)),
        {"test_loss": "0.0002847392808476946", "norm": "2.537063744381602", "nonzero": "89"},
    ),
    (
        "n = 80, d = 200, γ = .282, divided by 1.5 after half",
        TWICE_AS_LARGE,
        SOME,
        ((50_001, 0.282), (LAST - 50_001, 0.282 / 1.5)),
        {"test_loss": "0.00015373111459504016", "norm": "2.5375004173407", "nonzero": "71"},
    ),
    (
        "n = 40, d = 100, γ = .272, divided by 20 after half",
        SPARSE_FEATURES,
        MANY,
        ((50_001, 0.272), (LAST - 50_001, 0.272 / 20)),
        {"test_loss": "0.03851229274577084", "norm": "2.627847660895007", "nonzero": "33"},
    ),
)
"""What it is of, the data, how many runs make a law, the legs, and what is printed of the end."""

THEIRS: Final = ((1, LINES[3]), (2, LINES[2]))
"""The seeds of lines whose samples can be drawn again."""


@cache
def rows() -> list[Row]:
    """Two lines with the samples that the notebooks drew, whole specs that name them."""
    found = []
    for seed, (name, problem, _, legs, printed) in THEIRS:
        end = with_their_draws(problem, legs, seed)
        found += [
            Row(what=f"{name}: {QUANTITIES[each]}", printed=text, ours=float(getattr(end, each)), tolerance=1e-10)
            for each, text in printed.items()
        ]
    return found


def with_their_draws(problem: Problem, legs: Sequence[Leg], seed: int) -> End:
    """One sample a step, drawn with `numpy.random.randint` after `numpy.random.seed(seed)`."""
    rng, samples = np.random.RandomState(seed), len(problem.X)
    indices = [[rng.randint(samples)] for steps, _ in legs for _ in range(steps)]
    drawn = {"kind": "sgd", "batch_size": 1, "sampling": "indices", "indices": indices}
    (end,) = ends(problem, in_legs(problem, legs, start=uniform(0.1), **drawn))
    return end


def looped(problem: Problem, legs: Sequence[Leg], seed: int) -> End:
    """The same by a slow loop."""
    rng, X, y = np.random.RandomState(seed), problem.X, problem.y
    u = np.full(X.shape[1], 0.1)
    v = np.zeros_like(u)
    for steps, step_size in legs:
        for _ in range(steps):
            sample = rng.randint(len(X))
            slope = step_size * (X[sample] @ (u * v) - y[sample]) * X[sample]
            u, v = u - slope * v, v - slope * u
    return End.of(problem, u, v)


@cache
def draws() -> list[Draw]:
    """Every line as a law: runs of other seeds on the same data."""
    found = []
    for name, problem, seeds, legs, printed in LINES:
        drawn = _drawn(problem, seeds, legs)
        found += [
            Draw(
                what=f"{name}: {QUANTITIES[each]}",
                printed=text,
                draws=[float(getattr(end, each)) if end else math.nan for end in drawn],
            )
            for each, text in printed.items()
        ]
    return found


def _drawn(problem: Problem, seeds: int, legs: Sequence[Leg]) -> list[End | None]:
    """Where runs of other seeds end; None of those that diverge."""
    drawn = {"kind": "sgd", "batch_size": 1, "seed": {"values": list(range(seeds))}}
    done = in_legs(problem, legs, start=uniform(0.1), **drawn)
    has_diverged = [summary["outcome"] == "diverged" for summary in done.summaries]
    with np.errstate(over="ignore", invalid="ignore"):  # of those that are left out
        return [None if gone else end for gone, end in zip(has_diverged, ends(problem, done), strict=True)]
