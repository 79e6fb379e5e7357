"""Lists that the service hands out in pages (RFC 8288, `rel="next"`)."""

from collections.abc import Iterator, Mapping
from typing import Any

from stepbias.connection import Connection


def pages(
    connection: Connection, path: str, member: str, params: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """The entries of `member` of every page, asked for as they are needed."""
    response = connection.send("GET", path, params=params)
    while True:
        try:
            yield from connection.document(response)[member]
        except (KeyError, TypeError):
            raise connection.not_the_service() from None
        following = response.links.get("next", {}).get("url")
        if not following:
            return
        # A relative address counts from the page it stands on.
        response = connection.send("GET", str(response.url.join(following)))
