"""Random streams by name, so that adding one use of randomness changes no other."""

import hashlib

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The generator of one purpose: a function of (seed, purpose) and of nothing else.

    The SHA-256 of `purpose` is the spawn key of the seed's `SeedSequence`. A spawn key, rather than more entropy,
    because NumPy pads the entropy before it appends the key: no large seed can run into the words of a purpose, and
    every stream differs from plain `default_rng(seed)`, which draws the data.

    Raises:
        ValueError: `seed` is negative.
    """
    words = np.frombuffer(hashlib.sha256(purpose.encode()).digest(), dtype="<u4").tolist()
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=words))
