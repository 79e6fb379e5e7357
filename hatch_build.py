"""The extras of the client: what runs the service, of the same version, and of the same checkout where there is one."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

EXTRAS = {"service": "stepbias-service", "otel": "stepbias-service[otel]"}


class Extras(MetadataHookInterface):  # type: ignore[misc]  # hatchling has no types where this is checked
    """In a checkout `pip install '.[service]'` takes the service that lies in it, and asks no index for one."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Name the folder of the service where it lies beside this file, else the version."""
        service = Path(self.root, "service")
        where = f" @ {service.as_uri()}" if service.is_dir() else f"=={metadata['version']}"
        metadata["optional-dependencies"] = {extra: [f"{name}{where}"] for extra, name in EXTRAS.items()}


class ReleasedExtras(BuildHookInterface):  # type: ignore[misc]  # hatchling has no types where this is checked
    """A source distribution is built elsewhere: it names the version, and so does a wheel made of it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the hook's signature
        """Put the version in the place of the folder."""
        for extra, requirements in self.metadata.core.optional_dependencies.items():
            requirements[:] = [f"{EXTRAS[extra]}=={self.metadata.version}"]
