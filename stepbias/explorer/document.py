"""The parts of the explorer as one HTML document: no file beside it, no request, only its own script and style."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

PARTS: Final = Path(__file__).with_name("parts")

MODULES: Final = (
    "dynamics.js",
    "interpolators.js",
    "state.js",
    "story.js",
    "words.js",
    "picture.js",
    "explorer.js",
)
"""In an order in which each uses those before it at most."""

_IMPORTS: Final = re.compile(r"^import .*?;\n", re.MULTILINE | re.DOTALL)
_EXPORTS: Final = re.compile(r"^export ", re.MULTILINE)


@cache
def document() -> str:
    """The page, with its policy in it, for who opens it as a file."""
    page = _part("index.html").replace("{policy}", _allowed()).replace("{style}", _style())
    return page.replace("{script}", _script())


def policy() -> str:
    """The content security policy of the page where it is served: that in the page, and no frames around it."""
    return f"{_allowed()}; frame-ancestors 'none'"


def _allowed() -> str:
    script, style = _digest(_script()), _digest(_style())
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


@cache
def _script() -> str:
    """The modules one after the other, as one: they import from each other alone, and share no name."""
    return "".join(_EXPORTS.sub("", _IMPORTS.sub("", _part(name))) for name in MODULES)


def _style() -> str:
    return _part("style.css")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
