"""Lists that the service hands out in pages (RFC 8288, `rel="next"`)."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from stepbias.connection import Connection


def pages(
    connection: Connection,
    path: str,
    member: str,
    params: Mapping[str, Any] | None = None,
    *,
    members: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """The entries of `member` of every page, which have these `members`, asked for as they are needed."""
    response = connection.send("GET", path, params=params)
    while True:
        entries = connection.document(response, member)[member]
        if not isinstance(entries, list) or not all(_has(entry, members) for entry in entries):
            raise connection.not_the_service()
        yield from entries
        following = response.links.get("next", {}).get("url")
        if not following:
            return
        # A relative address counts from the page it stands on.
        response = connection.send("GET", str(response.url.join(following)))


def _has(entry: Any, members: Collection[str]) -> bool:
    return isinstance(entry, dict) and entry.keys() >= set(members)
