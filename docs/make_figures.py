"""The figures of the documentation: every preset through the real service, its figures and its report into files.

    python docs/make_figures.py [--size quick] [--out docs/images] [PRESET ...]

Starts a service of its own in a temporary directory, unless it is told of one, and stops it. What is measured goes to
`measurements.json` beside the figures: seconds, outcomes, the problems' least sharpness, and the rows of the report.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from core.presets import PRESETS
from stepbias import Client, ExperimentHandle

DOCS = Path(__file__).parent


@contextmanager
def service() -> Iterator[str]:
    """The address of a service that lives while the block does."""
    command = [Path(sys.executable).with_name("stepbias"), "up", "--port", "0"]
    with tempfile.TemporaryDirectory(prefix="stepbias-docs-") as state:
        process = subprocess.Popen([*command, "--state-dir", state], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield next(word for word in line.split() if word.startswith("http"))
        finally:
            process.terminate()
            process.wait()


def compute(client: Client, name: str, size: str) -> tuple[ExperimentHandle, float]:
    """A finished experiment, and the seconds that it took."""
    started = time.monotonic()
    handle = client.submit(client.preset(name, size=size))
    handle.wait()
    return handle, time.monotonic() - started


def draw(handle: ExperimentHandle, name: str, out: Path) -> None:
    """The figures that show the preset best."""
    for figure in PRESETS[name].figures:
        file = out / f"{name}-{figure}.png"
        file.write_bytes(handle.figure(figure))
        print(f"  {file}")


def measured(handle: ExperimentHandle, seconds: float) -> dict[str, Any]:
    """The numbers that the documentation quotes."""
    report = json.loads(handle.read("report"))
    statements = {
        row["key"]: {name: row[name] for name in ("status", "holds", "applicable", "not_applicable", "worst_slack")}
        for row in report["inequalities"]
    }
    problems = [
        {
            key: entry["analysis"][key]
            for key in ("network", "min_sharpness_upper", "min_sharpness_gap", "max_stable_step")
        }
        | {
            "coordinates": entry["coordinates"],
            "excess_risk": {
                which: interpolator["excess_risk"] for which, interpolator in entry["analysis"]["interpolators"].items()
            },
        }
        for entry in handle.analysis()
    ]
    return {
        "seconds": round(seconds, 1),
        "cores": os.cpu_count(),
        "problems": problems,
        "outcomes": dict(handle.experiment.outcomes),
        "paths": report["basis"]["paths"],
        "decided_by_rounding": report["basis"]["decided_by_rounding"],
        "statements": statements,
    }


def main() -> None:
    """Compute and draw the presets that are named, all by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=list(PRESETS), help="names of presets; default: all")
    parser.add_argument("--size", default="quick")
    parser.add_argument("--url", help="where a service runs already; default: one of its own")
    parser.add_argument("--out", type=Path, default=DOCS / "images")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    record = wanted.out / "measurements.json"
    numbers = json.loads(record.read_text()) if record.exists() else {}
    with nullcontext(wanted.url) if wanted.url else service() as url, Client(url) as client:
        for name in wanted.presets:
            handle, seconds = compute(client, name, wanted.size)
            print(f"{name}, {wanted.size}: {seconds:.0f} s, {dict(handle.experiment.outcomes)}", flush=True)
            draw(handle, name, wanted.out)
            numbers[name] = {"size": wanted.size} | measured(handle, seconds)
            record.write_text(json.dumps(numbers, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
