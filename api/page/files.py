"""The files of the page, as they lie beside this module: nothing is built, nothing comes from elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of the page: its own files and its own service, and nothing else."""

MEDIA_TYPES: Final = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)
INDEX: Final = "index.html"

_FOLDER: Final = Path(__file__).with_name("static")


@dataclass(frozen=True, kw_only=True, slots=True)
class PageFile:
    """A file as it is sent."""

    body: bytes
    media_type: str


@cache
def page_files() -> Mapping[str, PageFile]:
    """Every file of the page by its name."""
    return MappingProxyType(dict(_files()))


def _files() -> Iterator[tuple[str, PageFile]]:
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in MEDIA_TYPES:
            yield path.name, PageFile(body=path.read_bytes(), media_type=MEDIA_TYPES[path.suffix])
