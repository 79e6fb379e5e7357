"""Many requests from the document at a real service: `python -m tests.contract --cases 20000`; 0 if all is well."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import click
import httpx2

from tests.contract.hooks import CHECKS
from tests.faults.besieged_service import BesiegedService

MOST_REFUSED: Final = 0.02
"""The share of requests that the schema allows, and that are refused all the same."""


def _round(url: str, directory: Path, *, examples: int, seed: int, raw: bool) -> tuple[int, Counter[str]]:
    """One run of Schemathesis in all its phases; its exit code, and what its checks have counted."""
    statistics = directory / f"statistics-{seed}.json"
    environment = {
        "SCHEMATHESIS_HOOKS": "tests.contract.hooks",
        "CONTRACT_STATISTICS": str(statistics),
        "CONTRACT_URL": url,
        **({"CONTRACT_RAW": "1"} if raw else {}),
    }
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{url}/openapi.json",
        *("--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-examples", str(examples)),
        *("--seed", str(seed)),
        *("--request-timeout", "90"),
        *("--generation-database", "none"),
        "--continue-on-failure",
        "--no-shrink",
        "--no-color",
    ]
    done = subprocess.run(command, cwd=directory, env=dict(os.environ) | environment, check=False)
    found: Counter[str] = Counter(json.loads(statistics.read_text(encoding="utf-8")))
    return done.returncode, found


def _report(seen: Counter[str]) -> None:
    click.echo(f"{seen['sent']} requests, of which the document allows {seen['allowed']}")
    click.echo(f"{seen['refused']} of these were refused, {seen['refused'] / max(seen['allowed'], 1):.2%}")
    for name, times in sorted(seen.items()):
        if name.startswith("refused: "):
            click.echo(f"  {times} {name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="at least so many requests")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--examples", type=int, default=50, help="of each operation and round")
    parser.add_argument("--raw", action="store_true", help="as they are generated, not made to fit")
    return parser.parse_args()


def main() -> int:
    """Rounds of requests until there are as many as are wanted."""
    options = _options()
    seen: Counter[str] = Counter()
    code, seed = 0, options.seed
    with tempfile.TemporaryDirectory(prefix="stepbias-contract-") as name:
        directory = Path(name)
        with BesiegedService(directory, workers=1, settings={}) as service:
            while seen["sent"] < options.cases:
                returned, found = _round(service.url, directory, examples=options.examples, seed=seed, raw=options.raw)
                seen += found
                code, seed = code or returned, seed + 1
            click.echo(httpx2.get(f"{service.url}/readyz", timeout=60.0).text)
    _report(seen)
    few = options.raw or seen["refused"] <= MOST_REFUSED * seen["allowed"]
    click.echo("PASSED" if few and not code else "FAILED")
    return 0 if few and not code else 1


if __name__ == "__main__":
    sys.exit(main())
