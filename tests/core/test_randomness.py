"""Random streams by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.randomness import stream

SEEDS = st.integers(0, 2**70)


@given(seed=SEEDS, purpose=st.text())
def test_a_stream_is_a_function_of_its_seed_and_purpose(seed: int, purpose: str) -> None:
    """Asking twice gives the same numbers."""
    assert np.array_equal(stream(seed, purpose).random(4), stream(seed, purpose).random(4))


@given(seed=SEEDS, purposes=st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_two_purposes_never_share_a_stream(seed: int, purposes: list[str]) -> None:
    """Streams of one seed differ by purpose."""
    assert not np.array_equal(stream(seed, purposes[0]).random(4), stream(seed, purposes[1]).random(4))


@given(seeds=st.lists(SEEDS, min_size=2, max_size=2, unique=True))
def test_two_seeds_never_share_a_stream(seeds: list[int]) -> None:
    """Streams of one purpose differ by seed."""
    assert not np.array_equal(stream(seeds[0], "minibatch").random(4), stream(seeds[1], "minibatch").random(4))


@given(seed=SEEDS)
def test_no_stream_repeats_the_draw_of_the_data(seed: int) -> None:
    """Plain `default_rng(seed)` belongs to the data alone."""
    assert not np.array_equal(stream(seed, "").random(4), np.random.default_rng(seed).random(4))


def test_a_negative_seed_is_refused() -> None:
    """A seed is a whole number from 0."""
    with pytest.raises(ValueError, match="non-negative"):
        stream(-1, "minibatch")
