"""Make the site of the documents from its pages, with warnings as errors: `docs/_site/`, where the service finds it.

The pages are those that code hosts show. Here the start page, `docs/index.md`, becomes the order of all: its headings
are the chapters, and its links their pages. Pages elsewhere in the repository that these link to, and files, come with
them.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from sphinx.cmd.build import build_main

ROOT: Final = Path(__file__).parents[1]
SITE: Final = ROOT / "docs" / "_site"

START: Final = "docs/index.md"

SERVED: Final = {"docs/openapi.json": "api"}
"""Files that stand for what the service itself answers under /docs."""

_LINK: Final = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!\w+:|#)([^()\s#]+)(#[^()\s]*)?\)")
_CHAPTER: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_MENDED: Final = {
    ' style="display: none;"': ' display="none"',
    ' style="opacity: 50%"': ' opacity="0.5"',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper ': '<div tabindex="0" class="table-wrapper ',
}
"""What the theme leaves: a policy that forbids inline styles forbids those of its icons, which SVG has attributes for;
headings have a level; what scrolls is reached by keys."""


def staged_name(source: str) -> str:
    """Where a file of the repository stands among the sources of the site: the pages of `docs/` at the top."""
    return source.removeprefix("docs/")


def target_of(link: str, page: str) -> str:
    """The file of the repository that a link of a page leads to; of a folder, its README."""
    path = os.path.normpath(PurePosixPath(page).parent / link)
    return f"{path}/README.md" if (ROOT / path).is_dir() else path


def linked(page: str, text: str) -> Iterator[str]:
    """The files of the repository that a page links to or shows."""
    return (target_of(link[3], page) for link in _LINK.finditer(text))


def rewritten(page: str, text: str) -> str:
    """The text of a page with its links as they are among the sources of the site."""
    here = PurePosixPath(staged_name(page)).parent

    def link(found: re.Match[str]) -> str:
        mark, words, target, anchor = found[1], found[2], target_of(found[3], page), found[4] or ""
        if target in SERVED:
            return f'<a href="{os.path.relpath(SERVED[target], here)}">{words}</a>'
        return f"{mark}[{words}]({os.path.relpath(staged_name(target), here)}{anchor})"

    return _LINK.sub(link, text)


def contents(page: str, text: str) -> str:
    """The tables of contents that a page is: the start page one for each heading, a README one of all its links."""
    _, *parts = _CHAPTER.split(text) if page == START else ("", "", text)
    trees = []
    for caption, part in zip(parts[::2], parts[1::2], strict=True):
        names = [f"/{staged_name(each)}" for each in dict.fromkeys(linked(page, part)) if each.endswith(".md")]
        trees += ["", "", "```{toctree}", ":hidden:", *([f":caption: {caption}"] if caption else []), "", *names, "```"]
    return "\n".join(trees)


def is_contents(page: str) -> bool:
    """Whether other pages are found by a page."""
    return page == START or page.endswith("/README.md")


def sources() -> dict[str, Path]:
    """The pages of `docs/`, and what they and these lead to, by their names in the repository."""
    waiting = [page.relative_to(ROOT).as_posix() for page in sorted((ROOT / "docs").rglob("*.md"))]
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        if name not in found and name not in SERVED and (ROOT / name).is_file():
            found[name] = ROOT / name
            if name.endswith(".md"):
                waiting += linked(name, found[name].read_text(encoding="utf-8"))
    return found


def stage(directory: Path) -> None:
    """Lay the sources of the site into a directory; a page that is no part of the order says so to Sphinx."""
    pages = {name: file.read_text(encoding="utf-8") for name, file in sources().items() if file.suffix == ".md"}
    ordered = {START}.union(*(linked(name, text) for name, text in pages.items() if is_contents(name)))
    for name, file in sources().items():
        place = directory / staged_name(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if name in pages:
            before = "" if name in ordered or name.startswith("docs/") else "---\norphan: true\n---\n\n"
            after = contents(name, pages[name]) if is_contents(name) else ""
            place.write_text(before + rewritten(name, pages[name]) + after, encoding="utf-8")
        else:
            shutil.copyfile(file, place)


def build(target: Path) -> int:
    """Make the site; its exit code is 0 where nothing was warned of, and only then is there a new one."""
    with tempfile.TemporaryDirectory() as work:
        staged, made = Path(work) / "sources", Path(work) / "site"
        stage(staged)
        options = [
            "-b",
            "html",
            "-c",
            str(ROOT / "docs" / "site"),
            "-d",
            f"{work}/doctrees",
            "-W",
            "--keep-going",
            "-q",
        ]
        if failed := build_main([*options, "-j", "auto", str(staged), str(made)]):
            return failed
        for page in made.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            for said, meant in _MENDED.items():
                text = text.replace(said, meant)
            page.write_text(text, encoding="utf-8")
        whole = target.with_name(f"{target.name}.new")
        shutil.rmtree(whole, ignore_errors=True)
        shutil.copytree(made, whole, ignore=shutil.ignore_patterns(".buildinfo", "objects.inv"))
        shutil.rmtree(target, ignore_errors=True)
        whole.rename(target)
    return 0


def main(arguments: Sequence[str]) -> int:
    """Make the site where it is served from, or in the directory that is given."""
    return build(Path(arguments[0]) if arguments else SITE)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
