"""Whether two computations of one experiment agree as they should: to the bit where they share their kernel."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Results = Mapping[str, Any]
"""The labelled array of an experiment, as the service sends it."""

_SECONDS: Final = 600.0

RISK_TOLERANCE: Final = 0.02
"""Relative. Other BLAS kernels sum in another order; a run may then stop a window earlier or later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """What a comparison found.

    Attributes:
        kernels: every kernel id that either side names.
        numbers: how many pairs of numbers were compared.
        largest_difference: of all pairs of numbers, absolute; where a number faces none it is infinite.
        faults: what differs that should not; empty where all is well.
    """

    kernels: tuple[str, ...]
    numbers: int
    largest_difference: float
    faults: tuple[str, ...]


def computed_here(spec: Mapping[str, Any], *, but: tuple[str, ...] = ()) -> Results:
    """The results of `stepbias run`, in an environment that knows of no service, nor of what begins as named by `but`.

    Raises:
        RuntimeError: it failed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STEPBIAS_", *but))}
    with tempfile.TemporaryDirectory() as directory:
        file, out = Path(directory, "spec.json"), Path(directory, "out")
        file.write_text(json.dumps(spec), encoding="utf-8")
        command = [sys.executable, "-m", "stepbias.cli.main", "run", str(file), "--out", str(out)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS)
        if done.returncode:
            raise RuntimeError(f"stepbias run ended with {done.returncode}: {done.stderr}")
        results: Results = json.loads((out / "results.json").read_bytes())
        return results


def compare(first: Results, second: Results) -> Agreement:
    """Compare every variable of every run."""
    ours, theirs = _variables(first), _variables(second)
    kernels = tuple(sorted({str(kernel) for side in (ours, theirs) for kernel in side.get("kernel_id", [])}))
    faults = _differing(ours, theirs) if len(kernels) == 1 else _disagreeing(ours, theirs)
    differences = [
        _difference(a, b)
        for name in ours.keys() & theirs.keys()
        for a, b in zip(ours[name], theirs[name], strict=False)
        if isinstance(a, float | int) or isinstance(b, float | int)
    ]
    return Agreement(
        kernels=kernels,
        numbers=len(differences),
        largest_difference=max(differences, default=0.0),
        faults=tuple(faults),
    )


def _variables(results: Results) -> dict[str, list[Any]]:
    """Every variable and coordinate as a flat list in grid order."""
    arrays = {**results["coords"], **results["data_vars"]}
    return {name: list(_flat(array["data"])) for name, array in arrays.items()}


def _flat(nested: Any) -> Iterator[Any]:
    if isinstance(nested, list):
        for inner in nested:
            yield from _flat(inner)
    else:
        yield nested


def _differing(ours: Mapping[str, list[Any]], theirs: Mapping[str, list[Any]]) -> Iterator[str]:
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            yield f"{name} is not the same to the bit"


def _disagreeing(ours: Mapping[str, list[Any]], theirs: Mapping[str, list[Any]]) -> Iterator[str]:
    if ours["outcome"] != theirs["outcome"]:
        yield "outcome is not the same"
    for ours_here, theirs_here in zip(ours["excess_risk"], theirs["excess_risk"], strict=True):
        if not _is_close(ours_here, theirs_here):
            yield f"excess_risk {ours_here} faces {theirs_here}"


def _is_close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= RISK_TOLERANCE * abs(a)


def _difference(a: float | None, b: float | None) -> float:
    return float("inf") if a is None or b is None else abs(a - b)
