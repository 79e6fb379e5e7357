"""What an analysis of data advises, as a spec, and all the way to its figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stepbias import Client
from stepbias.cli.fetch import save_all
from stepbias.cli.output import remark
from stepbias.cli.submit import follow

AROUND: Final = (0.3, 1.0, 3.0)
"""Initialisation scales in units of the one that the analysis is about."""

WARMUP_STEPS: Final = 1000


def train_advised(client: Client, spec: Mapping[str, Any], out: Path, *, as_json: bool) -> int:
    """Submit what is advised, show its progress, save all that it finds, and print the files."""
    handle = client.submit(spec)
    remark(f"trains experiment {handle.id}")
    return follow(handle, tell=remark) or save_all(handle, out, as_json=as_json)


def advised_spec(dataset: str, found: Mapping[str, Any], *, transform: Mapping[str, str], name: str) -> dict[str, Any]:
    """A sweep of the step sizes that the analysis advises, around its initialisation scale.

    Args:
        dataset: id of the data.
        found: the analysis of them.
        transform: what was asked about; where it is empty, what is advised.
        name: of the experiment.
    """
    advised = found["advice"]
    steps = advised["step_size"] or {"multiples_of": "start_stable_step", "values": [0.1, 0.3, 0.9]}
    chosen = dict(transform) or advised["transform"]
    return {
        "name": name,
        "data": {"kind": "dataset", "id": dataset} | ({"transform": chosen} if chosen else {}),
        "initialization": {
            "kind": "uniform",
            "scale": {"values": [float(f"{found['init_scale'] * each:.3g}") for each in AROUND]},
        },
        "optimizer": {"kind": "gradient_descent", "step_size": steps, "warmup_steps": WARMUP_STEPS},
        "stopping": {"max_steps": 1_000_000},
    }
