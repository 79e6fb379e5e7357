"""Random streams by name, so that adding one use of randomness changes no other."""

import hashlib

import numpy as np
from jaxtyping import UInt64


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
    place = np.array([0, 0, 0, counter], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=counter_key(seed, purpose), counter=place))


def counter_key(seed: int, purpose: str) -> UInt64[np.ndarray, "2"]:
    """The key of `counter_stream`."""
    return np.frombuffer(hashlib.sha256(f"{seed}:{purpose}".encode()).digest()[:16], dtype="<u8")
