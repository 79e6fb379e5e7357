"""Which servers come up after a power cut with all that they had acknowledged, and go on so."""

from collections.abc import Sequence
from typing import Final

REPAIRED: Final = ((9, 0, 6), (9, 1, 2))
"""Of Valkey, the first of each series that cuts its log in front of a block of writes, and not in the midst of it.

What a script writes stands in the log between MULTI and EXEC. A power cut may leave a beginning of such a block, which
the next start cuts off. Before these versions, and in every Redis that was tried (7.0.15, 7.4.1, 8.2.3), it takes away
the last command alone. What is acknowledged from then on stands behind an open MULTI: at the start after that it is
lost, unless another block has ended in the meantime; or the server does not start, where its log has a file more since.
https://github.com/valkey-io/valkey/pull/4342
"""


def is_repaired(name: str, version: Sequence[int]) -> bool:
    """Whether a server of this name and version, as `(9, 1, 2)`, is one of those."""
    if name.lower() != "valkey":
        return False
    series = next((each for each in REPAIRED if each[:2] == tuple(version[:2])), REPAIRED[-1])
    return tuple(version) >= series


def numbers(version: str) -> tuple[int, ...]:
    """Those of a version such as 9.1.2, as far as they are ones."""
    found = []
    for part in version.split("."):
        if not part.isdecimal():
            break
        found.append(int(part))
    return tuple(found)
