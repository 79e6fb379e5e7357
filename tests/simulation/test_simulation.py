"""Lives of the job system in which everything goes wrong, and the same without one of its guards."""

import pytest

from tests.simulation.broken_guards import GUARDS
from tests.simulation.stand_ins import Confused
from tests.simulation.world import World

LIVES = 60


@pytest.mark.parametrize("first", range(0, LIVES, 20))
def test_nothing_is_lost_doubled_or_stuck(first: int) -> None:
    """Whatever was accepted ends with the results that it must have; `make simulate` lives many more lives."""
    _live(range(first, first + 20))


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_that_is_missing_is_missed(guard: str) -> None:
    """So the lives above would have found it out."""
    with GUARDS[guard](), pytest.raises((AssertionError, Confused)):
        _live(range(5 * LIVES))


def test_a_life_is_the_same_each_time() -> None:
    """What was found can be looked at again."""
    worlds = [World(11), World(11)]
    for world in worlds:
        world.live()
    assert worlds[0].ledger.keys() == worlds[1].ledger.keys()
    assert worlds[0].clock() == worlds[1].clock()


def _live(seeds: range) -> None:
    for seed in seeds:
        World(seed).live()
