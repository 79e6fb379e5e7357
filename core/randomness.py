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


def counter_stream(seed: int, purpose: str, counter: int) -> np.random.Generator:
    """The generator of one purpose at one place of a sequence, whatever came before (Philox, Salmon et al. 2011).

    The key is the SHA-256 of (seed, purpose), the counter starts 2¹⁹² draws apart for successive places.

    Raises:
        ValueError: `counter` is negative.
    """
    if counter < 0:
        raise ValueError("a counter is not negative")
    digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u8")
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, counter], dtype=np.uint64)))
