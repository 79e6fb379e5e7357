"""The licences of all that the lock files name, as the packages themselves tell them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Final

ROOT: Final = Path(__file__).parents[2]

LOCKS: Final = ("requirements.lock", "requirements-dev.lock")
"""What `make setup` installs, so that it can be asked here; the first is what the service runs on."""

NOTED: Final = Path(__file__).with_name("noted.json")
"""What the packages of the other lock files have said, which are not installed here; `make lock` asks them anew."""

PERMISSIVE: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "Zlib",
    }
)
"""Licences that ask for no more than their text; `BSD` is one of both, where a package does not say which."""

REASONED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "certifi": "MPL-2.0: certificates; its files are handed on unchanged",
        "docutils": "public domain, BSD and PSF; its GPL is that of an Emacs mode, which is not in the wheel",
        "fqdn": "MPL-2.0: of the bill of materials alone, unchanged",
        "hypothesis": "MPL-2.0: of the tests alone, unchanged",
        "pathspec": "MPL-2.0: of the build and the types' checker alone, unchanged",
    }
)
"""What is used though its licence asks for more, and why it may be."""

_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "MIT License": "MIT",
        "BSD License": "BSD",
        "BSD": "BSD",
        "3-Clause BSD License": "BSD-3-Clause",
        "BSD-3-Clause": "BSD-3-Clause",
        "BSD-2-Clause": "BSD-2-Clause",
        "Apache Software License": "Apache-2.0",
        "Apache-2.0": "Apache-2.0",
        "Apache 2.0": "Apache-2.0",
        "Apache": "Apache-2.0",
        "ISC License (ISCL)": "ISC",
        "Python Software Foundation License": "PSF-2.0",
        "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
        "MIT": "MIT",
        "MPL-2.0": "MPL-2.0",
        "DFSG approved": "",
    }
)
"""What packages say that do not use the identifiers of SPDX; "" says nothing of a licence."""

_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """A package of a lock file; `licence` is an expression of SPDX identifiers, "unknown" where it says none."""

    name: str
    version: str
    licence: str
    is_of_service: bool


def pinned(lock: str) -> Sequence[tuple[str, str]]:
    """Every package that a lock file names, with its version; with several, where Pythons differ in it."""
    return _PINNED.findall((ROOT / lock).read_text(encoding="utf-8"))


def elsewhere() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Of each other lock file the packages, with their versions, that `make setup` does not install."""
    here = {name for lock in LOCKS for name, _ in pinned(lock)}
    others = sorted(path.name for path in ROOT.glob("requirements*.lock") if path.name not in LOCKS)
    return {lock: [each for each in pinned(lock) if each[0] not in here] for lock in others}


def dependencies() -> Iterator[Dependency]:
    """Those that are installed here, since others are for other systems or versions of Python, and those elsewhere."""
    of_service = dict(pinned(LOCKS[0]))
    for name, version in sorted((dict(pinned(LOCKS[1])) | of_service).items()):
        try:
            found = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        yield Dependency(name=name, version=version, licence=licence_of(found), is_of_service=name in of_service)
    for name, (version, licence) in sorted(json.loads(NOTED.read_bytes()).items()):
        yield Dependency(name=name, version=version, licence=licence, is_of_service=False)


def licence_of(found: metadata.PackageMetadata) -> str:
    """By the field for it; else by the classifiers, all of which hold; else by what stands in the old field."""
    if expression := found.get("License-Expression"):
        return str(expression)
    said = [each.rpartition(" :: ")[2] for each in found.get_all("Classifier") or () if each.startswith("License ::")]
    if not said and (text := str(found.get("License") or "")):
        said = [text.strip().splitlines()[0]]
    names = dict.fromkeys(_NAMES.get(each, f"unknown ({each})") for each in said)
    return " AND ".join(filter(None, names)) or "unknown"


def is_permissive(expression: str) -> bool:
    """Whether one of the alternatives asks for no more than its text, in each of its parts."""
    return any(set(choice.split(" AND ")) <= PERMISSIVE for choice in re.sub(r"[()]", "", expression).split(" OR "))


def table() -> Iterator[str]:
    """A row of Markdown for each dependency."""
    yield "| package | version | licence | in the service | why it may be used |"
    yield "|---|---|---|---|---|"
    for each in dependencies():
        reason = "" if is_permissive(each.licence) else REASONED.get(each.name, "**nobody has said**")
        yield f"| {each.name} | {each.version} | {each.licence} | {'yes' if each.is_of_service else 'no'} | {reason} |"
