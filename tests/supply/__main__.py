"""`python -m tests.supply sbom|audit|licences|note`: what the project is made of, and what is known against it."""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import click

from tests.supply.licences import NOTED, ROOT, elsewhere, licence_of, table

TOOLS: Final = ROOT / ".venv-supply" / "bin"
VENDORED: Final = ROOT / "tests" / "browser" / "vendor" / "vendored.json"


def sbom(target: Path) -> int:
    """What an environment of requirements.lock has, and the files of others in the tree, as CycloneDX."""
    python = ROOT / ".venv-installed" / "bin" / "python"
    options = ("--of", "JSON", "--sv", "1.6", "--output-reproducible", "--pyproject", str(ROOT / "pyproject.toml"))
    made = subprocess.run([TOOLS / "cyclonedx-py", "environment", *options, python], stdout=subprocess.PIPE, check=True)
    bill = json.loads(made.stdout)
    bill["components"] += vendored()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    click.echo(f"{target}: {len(bill['components'])} components")
    return 0


def vendored() -> list[dict[str, Any]]:
    """Files of others in the tree, as components, with the digests of what is there now."""
    return [
        {
            "type": "file",
            "bom-ref": f"vendored:{name}",
            "name": f"{package['name']}/{name}",
            "version": package["version"],
            "hashes": [
                {"alg": "SHA-256", "content": hashlib.sha256((VENDORED.parent / name).read_bytes()).hexdigest()}
            ],
            "licenses": [{"license": {"id": package["licence"]}}],
        }
        for package in json.loads(VENDORED.read_bytes())
        for name in package["files"]
    ]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def audit() -> int:
    """Ask what is known against every version that a lock file names; 1 also where that could not be asked of one."""
    wrong = 0
    for lock in sorted(ROOT.glob("requirements*.lock")):
        options = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")
        asked = subprocess.run(
            [TOOLS / "pip-audit", *options, "--requirement", lock], capture_output=True, text=True, check=False
        )
        for line in (lines := verdict(asked.stdout, asked.stderr)):
            click.echo(f"{lock.name}: {line}", err=True)
        wrong += bool(lines)
        if not lines:
            click.echo(f"{lock.name}: nothing is known against any of its packages")
    return int(wrong > 0)


def verdict(answer: str, complaint: str) -> list[str]:
    """What is known against packages, of which nothing could be asked, or that nobody answered; none if all is well.

    pip-audit itself ends with 0 where the database knows none of the packages.
    """
    try:
        found = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        last = complaint.strip().splitlines()[-1:] or ["no reason was given"]
        return [f"NOT AUDITED, the database of vulnerabilities was not reached: {last[0]}"]
    known = [
        f"{each['name']} {each['version']}: {vulnerability['id']}, mended in {', '.join(vulnerability['fix_versions'])}"
        for each in found
        for vulnerability in each.get("vulns", ())
    ]
    unasked = [each["name"] for each in found if "skip_reason" in each]
    if not found:
        return ["NOT AUDITED, no package was looked at"]
    if unasked:
        known.append(
            f"NOT AUDITED, the database knows nothing of {len(unasked)} of {len(found)} packages: {unasked[0]}, …"
        )
    return known


def licences() -> int:
    """Print the table."""
    for line in table():
        click.echo(line)
    return 0


def note() -> int:
    """Ask the packages of the lock files that are not installed here for their licences, and keep what they say."""
    found: dict[str, tuple[str, str]] = {}
    for lock, packages in elsewhere().items():
        with tempfile.TemporaryDirectory() as directory:
            options = ("--quiet", "--python", sys.executable, "--no-deps", "--target", directory, "--requirement", lock)
            subprocess.run([Path(sys.executable).with_name("uv"), "pip", "install", *options], check=True, cwd=ROOT)
            for each in metadata.distributions(path=[directory]):
                name = re.sub(r"[-_.]+", "-", each.name).lower()
                if name in dict(packages):
                    found[name] = (each.version, licence_of(each.metadata))
    NOTED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


def main() -> int:
    """One of the four."""
    parser = argparse.ArgumentParser(prog="python -m tests.supply")
    parser.add_argument("what", choices=["sbom", "audit", "licences", "note"])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "sbom.json")
    options = parser.parse_args()
    return {"sbom": lambda: sbom(options.out), "audit": audit, "licences": licences, "note": note}[options.what]()


if __name__ == "__main__":
    sys.exit(main())
