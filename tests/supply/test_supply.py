"""Nothing is depended on whose licence nobody has looked at, and an audit that could not ask does not pass."""

import json
from email.message import Message

import pytest

from tests.supply.__main__ import VENDORED, vendored, verdict
from tests.supply.licences import (
    NOTED,
    PERMISSIVE,
    REASONED,
    dependencies,
    elsewhere,
    is_permissive,
    licence_of,
)


def test_every_licence_is_permissive_or_on_the_list_with_a_reason() -> None:
    """And the list has nobody who need not be on it."""
    found = {each.name: each.licence for each in dependencies()}
    assert len(found) > 100
    asking = {name for name, licence in found.items() if not is_permissive(licence)}
    assert asking == set(REASONED)


def test_what_is_not_installed_here_was_asked_elsewhere() -> None:
    """Every package of the other lock files, at a version that is locked; and nothing that is in none."""
    locked = {each for packages in elsewhere().values() for each in packages}
    noted = {(name, version) for name, (version, _) in json.loads(NOTED.read_bytes()).items()}
    assert len(elsewhere()) > 5
    assert noted <= locked
    assert dict(noted).keys() == dict(locked).keys()


@pytest.mark.parametrize(
    ("fields", "licence", "may_be_used"),
    [
        ({"License-Expression": "MIT OR GPL-3.0-only"}, "MIT OR GPL-3.0-only", True),
        ({"License-Expression": "MIT AND GPL-3.0-only"}, "MIT AND GPL-3.0-only", False),
        ({"Classifier": "License :: OSI Approved :: BSD License", "License": "GPL"}, "BSD", True),
        ({"License": "MIT\n\nCopyright …"}, "MIT", True),
        ({"License": "to be decided"}, "unknown (to be decided)", False),
        ({}, "unknown", False),
    ],
)
def test_a_licence_is_what_the_package_says(fields: dict[str, str], licence: str, may_be_used: bool) -> None:  # noqa: FBT001 - a row of the table
    """What is not understood is unknown, and what is unknown is not permissive."""
    message = Message()
    for name, value in fields.items():
        message[name] = value
    assert licence_of(message) == licence  # type: ignore[arg-type]
    assert is_permissive(licence) is may_be_used
    assert "unknown" not in PERMISSIVE


def test_an_audit_that_could_not_ask_says_so() -> None:
    """Neither of nothing, nor of packages that the database does not have; what is known is named."""
    assert verdict("", "…\nNameResolutionError") == [
        "NOT AUDITED, the database of vulnerabilities was not reached: NameResolutionError"
    ]
    assert verdict('{"dependencies": []}', "") == ["NOT AUDITED, no package was looked at"]
    sound = {"name": "sound", "version": "1", "vulns": []}
    unsound = {"name": "old", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    skipped = {"name": "odd", "skip_reason": "not found"}
    assert verdict(json.dumps({"dependencies": [sound]}), "") == []
    found = verdict(json.dumps({"dependencies": [sound, unsound, skipped]}), "")
    assert found[0] == "old 1: CVE-1, mended in 2"
    assert found[1].startswith("NOT AUDITED, the database knows nothing of 1 of 3 packages: odd")


def test_files_of_others_are_in_the_bill_with_the_digest_that_was_noted() -> None:
    """Version, licence and SHA-256 of what is in the tree."""
    made = {each["bom-ref"].removeprefix("vendored:"): each for each in vendored()}
    assert set(made) == {each.name for each in VENDORED.parent.iterdir()} - {VENDORED.name}
    for package in json.loads(VENDORED.read_bytes()):
        for name, noted in package["files"].items():
            assert made[name]["hashes"] == [{"alg": "SHA-256", "content": noted["sha256"]}]
            assert made[name]["version"] == package["version"]
