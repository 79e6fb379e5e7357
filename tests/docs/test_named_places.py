"""Pages that name files, modules and things in them name what is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.celery_doorbell import RINGS
from worker.present_work import DRAWING, NAMES

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "core",
    "jobs",
    "worker",
    "api",
    "stepbias",
    "tests",
    "benchmarks",
    "docs",
    "deploy",
    "schema",
    "examples",
    "service",
)
TASKS = {*RINGS.values(), *NAMES.values(), DRAWING}
"""What is called so in Celery's world, and looks like modules."""

PAGES = sorted(
    page for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if page.name != "CHANGELOG.md"
)  # what a changelog names may be gone

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(rf"(?:{'|'.join(PACKAGES)})/[\w./-]*\w/?(?::[\w.]+)?")
_DOTTED = re.compile(r"(?:core|jobs|worker|api|stepbias)(?:\.\w+)+")


def _named(page: Path) -> Iterator[str]:
    """What stands in backticks and looks like a path (with `:name` behind it, if need be) or a dotted name."""
    for code in _CODE.findall(page.read_text(encoding="utf-8")):
        if code not in TASKS and (_PATH.fullmatch(code) or _DOTTED.fullmatch(code)):
            yield code


def _defined(module: Path) -> set[str]:
    """The names at the top of a module, and those of its classes with the class before them."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name, body=body):
                names.add(name)
                names |= {f"{name}.{inner.name}" for inner in body if isinstance(inner, ast.FunctionDef)}
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def exists(name: str) -> bool:
    """Whether the tree has what a page calls by this name."""
    if "/" in name:
        path, _, inner = name.partition(":")
        file = ROOT / path
        return file.exists() and (not inner or (file.suffix == ".py" and inner in _defined(file)))
    parts = name.split(".")
    for known in range(len(parts), 0, -1):
        file, inner = ROOT.joinpath(*parts[:known]), ".".join(parts[known:])
        if file.is_dir() and not inner:
            return True
        if file.with_suffix(".py").is_file():
            return not inner or inner in _defined(file.with_suffix(".py"))
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    """A page that names a file, a module or a function that has moved is a page that leads astray."""
    assert [name for name in _named(page) if not exists(name)] == []


@pytest.mark.parametrize("package", ["core", "jobs", "worker", "api", "stepbias", "tests", "benchmarks"])
def test_what_a_docstring_names_is_there(package: str) -> None:
    """The same of the modules of a package, their docstrings and comments."""
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    strays = {
        (str(module.relative_to(ROOT)), name)
        for module in modules
        if module != Path(__file__)
        for name in _named(module)
        if not exists(name)
    }
    assert strays == set()


def test_a_name_that_is_not_there_is_found_out() -> None:
    """Folders, files, and things inside them; and the pages do name some."""
    assert all(map(exists, ("core/outcome.py", "core/", "core.outcome", "core.outcome.Outcome", "jobs/ports.py:Store")))
    assert not any(map(exists, ("core/utils.py", "core.outcome.Result", "jobs/ports.py:Shop", "worker.nothing")))
    assert sum(len(list(_named(page))) for page in PAGES) > 50
