"""The files of the site, and what a browser may do with its pages."""

import base64
import hashlib
import mimetypes
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from starlette.staticfiles import StaticFiles
from typing_extensions import override  # in typing itself from Python 3.12 on

SITE: Final = Path(__file__).parents[2] / "docs" / "_site"
"""Where `make site` puts the site in a checkout; an installation has it at the same place beside the API."""

NOT_BUILT: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>stepbias: documents</title></head><body>'
    "<h1>The documents are not built yet</h1><p><code>make up</code> builds them while the service starts: come again "
    "in a minute. Otherwise <code>make site</code> does, in the checkout, for what is installed from it later as well. "
    "The same pages are in its folder <code>docs</code>, as Markdown.</p>"
    '<p><a href="api">The HTTP API</a> is described here in any case.</p></body></html>'
)

_INLINE: Final = ("script", "style")


class _Inline(HTMLParser):
    """The scripts and styles that stand in a page, as pairs of kind and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._is_open = False
        self.feed(page)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_open = tag in _INLINE and not attrs
        if self._is_open:
            self.found.append((tag, ""))

    @override
    def handle_endtag(self, tag: str) -> None:
        self._is_open = False

    @override
    def handle_data(self, data: str) -> None:
        if self._is_open:
            kind, text = self.found.pop()
            self.found.append((kind, text + data))


def file_of(path: str) -> Path | None:
    """The file of the site at a path below /docs/, the start page at none; None where there is none."""
    try:
        name, found = StaticFiles(directory=SITE, check_dir=False).lookup_path(path or "index.html")
    except (OSError, ValueError):
        return None
    return Path(name) if found is not None and Path(name).is_file() else None


def media_type(file: Path) -> str:
    """By the end of its name."""
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def policy(page: str) -> str:
    """The content security policy of a page: files of the site, and the scripts and styles that stand in it."""
    allowed: dict[str, list[str]] = {"script": ["'self'"], "style": ["'self'"]}
    for kind, text in _Inline(page).found:
        allowed[kind].append(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'")
    sources = (f"{kind}-src {' '.join(dict.fromkeys(each))}" for kind, each in allowed.items())
    return (
        f"default-src 'none'; {'; '.join(sources)}; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
