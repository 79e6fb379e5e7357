"""Content identity: two documents that mean the same have the same bytes, hence the same hash."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final

NUMERICS_VERSION: Final = "7"
"""Part of every run's key. It changes when the same run would give other numbers, never for a refactoring."""

SIGNIFICANT_DIGITS: Final = 12


def rounded(value: float) -> float:
    """`value` to 12 significant decimal digits, so that equal grids are equal bits whoever computed them.

    Negative zero becomes zero: the two are equal numbers but different JSON.
    """
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """The one spelling of a JSON document: sorted keys, no spaces, ASCII, shortest round-trip floats.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot say.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def content_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(document)).hexdigest()


def canonical_object(members: Mapping[str, bytes]) -> bytes:
    """The canonical JSON of a document, from that of each of its members: what many share is spelled once."""
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), members[name]) for name in sorted(members)) + b"}"


def is_integral(value: float) -> bool:
    """Whether a number written as 5.0 may stand where 5 is meant."""
    return math.isfinite(value) and float(value).is_integer()
