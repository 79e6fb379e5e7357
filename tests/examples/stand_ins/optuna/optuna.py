"""Of Optuna, what the example asks of it: trials that are drawn at random, and the best of those that are told."""

import math
import random
from types import SimpleNamespace
from typing import Any

_RANDOM = random.Random(0)

trial = SimpleNamespace(TrialState=SimpleNamespace(FAIL="FAIL"))


class Trial:
    """One set of parameters."""

    def __init__(self) -> None:
        self.params: dict[str, float] = {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number between the two, or between their logarithms."""
        ends = (math.log(low), math.log(high)) if log else (low, high)
        drawn = _RANDOM.uniform(*ends)
        self.params[name] = math.exp(drawn) if log else drawn
        return self.params[name]


class Study:
    """What was told of trials."""

    def __init__(self) -> None:
        self._told: list[tuple[float, Trial]] = []

    def ask(self) -> Trial:
        """A new one."""
        return Trial()

    def tell(self, asked: Trial, value: float | None = None, state: Any = None) -> None:
        """What it was worth, or that it failed."""
        if (value is None) == (state is None):
            raise ValueError("a value or a state")
        if value is not None:
            self._told.append((value, asked))

    @property
    def best_value(self) -> float:
        """The least."""
        return min(self._told, key=lambda told: told[0])[0]

    @property
    def best_params(self) -> dict[str, float]:
        """Where it was found."""
        return min(self._told, key=lambda told: told[0])[1].params


def create_study(*, direction: str) -> Study:
    """An empty one."""
    if direction != "minimize":
        raise ValueError(direction)
    return Study()
