"""Of MLflow, what `stepbias export` asks of it; runs are kept in a JSON file beside where its database would be."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

entities = ModuleType("mlflow.entities")
entities.Metric = lambda key, value, timestamp, step: (key, value, timestamp, step)  # type: ignore[attr-defined]
entities.Param = lambda key, value: (key, value)  # type: ignore[attr-defined]
sys.modules["mlflow.entities"] = entities


class Page(list[Any]):
    """Some of the runs, and where the others are."""

    token: str | None = None


class MlflowClient:
    """A tracker in a file."""

    def __init__(self, tracking_uri: str) -> None:
        self.tracking_uri = tracking_uri
        self._file = Path(tracking_uri.removeprefix("sqlite:///")).with_suffix(".json")
        self._kept: dict[str, Any] = {"experiments": {}, "runs": []}
        if self._file.exists():
            self._kept = json.loads(self._file.read_text())

    def _keep(self) -> None:
        self._file.write_text(json.dumps(self._kept))

    def get_experiment_by_name(self, name: str) -> Any:
        """The one of this name."""
        known = self._kept["experiments"].get(name)
        return known and SimpleNamespace(experiment_id=known)

    def create_experiment(self, name: str, *, artifact_location: str | None, tags: dict[str, str]) -> str:
        """A new one."""
        assert artifact_location
        assert tags
        self._kept["experiments"][name] = str(len(self._kept["experiments"]) + 1)
        self._keep()
        return str(self._kept["experiments"][name])

    def search_runs(self, numbers: list[str], *, max_results: int, page_token: str | None) -> Page:
        """All that there are."""
        assert max_results <= 50000
        assert page_token is None
        return Page(
            SimpleNamespace(data=SimpleNamespace(tags=run["tags"]))
            for run in self._kept["runs"]
            if run["experiment"] in numbers
        )

    def create_run(self, number: str, *, tags: dict[str, str]) -> Any:
        """A new one."""
        assert all(isinstance(value, str) for value in tags.values())
        self._kept["runs"].append({"experiment": number, "tags": tags})
        return SimpleNamespace(info=SimpleNamespace(run_id=len(self._kept["runs"]) - 1))

    def log_batch(self, run: int, *, metrics: list[Any], params: list[Any]) -> None:
        """Numbers, and words."""
        assert all(isinstance(value, float) for _, value, _, _ in metrics)
        assert all(isinstance(value, str) for _, value in params)
        named = {"metrics": {key: value for key, value, _, _ in metrics}, "params": dict(params)}
        self._kept["runs"][run] |= named

    def set_terminated(self, run: int) -> None:
        """It is over."""
        self._kept["runs"][run]["status"] = "FINISHED"
        self._keep()
