"""What `deploy/kubernetes` says, as a cluster would read it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
KUBERNETES: Final = ROOT / "deploy" / "kubernetes"

Manifest = Mapping[str, Any]


def manifests(overlay: str = "base") -> list[Manifest]:
    """Every object of an overlay and of what it is laid over."""
    directory = KUBERNETES / overlay
    found = []
    for name in yaml.safe_load((directory / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]:
        place = (directory / name).resolve()
        if place.is_dir():
            found += manifests(place.name)
        else:
            found += [each for each in yaml.safe_load_all(place.read_text(encoding="utf-8")) if each]
    return found


def named(kind: str, name: str, overlay: str = "base") -> Manifest:
    """The one object of a kind and name."""
    (found,) = (each for each in manifests(overlay) if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def workloads() -> dict[str, Manifest]:
    """The pod templates, by the name of what makes the pods."""
    makers = (each for each in manifests() if "template" in each.get("spec", {}))
    return {each["metadata"]["name"]: each["spec"]["template"] for each in makers}


def containers() -> Iterator[tuple[str, Manifest]]:
    """Every container, with the name of what makes its pods."""
    for name, template in workloads().items():
        for container in (*template["spec"].get("initContainers", ()), *template["spec"]["containers"]):
            yield name, container


def commands(container: Manifest) -> Iterator[list[str]]:
    """What a container runs: itself, its probes and its hooks."""
    yield [*container["command"], *container.get("args", ())]
    hooks = (container.get(name) for name in ("startupProbe", "readinessProbe", "livenessProbe"))
    for each in (*hooks, *container.get("lifecycle", {}).values()):
        if each and "exec" in each:
            yield each["exec"]["command"]
