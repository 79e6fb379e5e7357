"""What a request says of the answer that it wants: one that it does not have yet, and how it may be packed."""

import re
from collections.abc import Collection
from typing import Final

_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def is_known(tags: Collection[str], if_none_match: str | None) -> bool:
    """Whether the header If-None-Match names one of the tags, or any."""
    given = (if_none_match or "").strip()
    return given == "*" or not set(tags).isdisjoint(_TAG.findall(given))


def is_matched(tags: Collection[str], if_match: str) -> bool:
    """Whether the header If-Match names one of the tags as a strong one, or any."""
    given = if_match.strip()
    return given == "*" or any(found[1] in tags for found in _TAG.finditer(given) if found[0] == found[1])


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether the header Accept-Encoding allows gzip, by its name or by `*`."""
    weights = dict(_weight(part) for part in (accept_encoding or "").lower().split(","))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(part: str) -> tuple[str, float]:
    coding, _, parameter = part.partition(";")
    name, _, weight = parameter.partition("=")
    try:
        return coding.strip(), float(weight) if name.strip() == "q" else 1.0
    except ValueError:
        return coding.strip(), 0.0
