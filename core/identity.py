"""Content identity: two documents that mean the same have the same bytes, hence the same hash."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final

NUMERICS_VERSION: Final = "4"
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


def is_integral(value: float) -> bool:
    """Whether a number written as 5.0 may stand where 5 is meant."""
    return math.isfinite(value) and float(value).is_integer()


def analysis_key(problem_key: str) -> str:
    """Where the analysis of a problem is kept; another numerics version has another place."""
    return f"analysis:{NUMERICS_VERSION}:{problem_key}"


def interpolators_key(problem_key: str) -> str:
    """Where the predictors of a problem's reference interpolators are kept, beside its analysis."""
    return f"interpolators:{NUMERICS_VERSION}:{problem_key}"


def figure_key(experiment_id: str, name: str, form: str, state: str) -> str:
    """Where a figure is kept; a later `state` of the same experiment has another place."""
    return f"figure:{content_hash({'experiment': experiment_id, 'figure': name, 'format': form, 'state': state})}"


def dataset_key(dataset_id: str) -> str:
    """Where the arrays of an uploaded data set are kept."""
    return f"dataset:{dataset_id}"


def dataset_description_key(dataset_id: str) -> str:
    """Where the description of an uploaded data set is kept: it is asked for often, its arrays may be megabytes."""
    return f"dataset-description:{dataset_id}"
