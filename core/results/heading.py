"""What stands at the head of every document about an experiment."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """Which experiment it is, where it stands, and how many of its runs are there."""

    experiment_id: str
    name: str
    status: str
    runs_total: int
    runs_done: int

    @property
    def attributes(self) -> dict[str, Any]:
        """All of it but the name, as JSON: finished results stay as they are when their experiment is renamed."""
        return {field: value for field, value in asdict(self).items() if field != "name"}

    @property
    def identity(self) -> dict[str, Any]:
        """Which it is and where it stands, for documents that say in their own words how much is there."""
        return {"experiment_id": self.experiment_id, "name": self.name, "status": self.status}

    @property
    def title(self) -> str:
        """Its name, if it has one, and where it stands; ids differ between services that found the same."""
        return f"{self.name or 'of an unnamed experiment'} ({self.status})"
