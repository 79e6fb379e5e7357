"""Renew the committed OpenAPI document and JSON Schema; `--check` only says whether they are up to date."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from api.app import create_app
from api.contract.json_schema import spec_schema
from jobs.settings import Settings
from tests.reference.memory_store import MemoryDoorbell, MemoryStore

ROOT: Final = Path(__file__).parents[1]


def openapi() -> dict[str, Any]:
    """The document that the service answers with under /openapi.json."""
    settings = Settings()
    document: dict[str, Any] = create_app(settings, MemoryStore(settings), MemoryDoorbell()).openapi()
    return document


DOCUMENTS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "docs/openapi.json": openapi,
    "schema/experiment-1.json": spec_schema,
}


def main() -> None:
    """Write the documents anew, or complain that they are not up to date."""
    for name, make in DOCUMENTS.items():
        place = ROOT / name
        fresh = json.dumps(make(), ensure_ascii=False, indent=1) + "\n"
        if "--check" in sys.argv[1:] and not (place.exists() and fresh == place.read_text(encoding="utf-8")):
            raise SystemExit(f"{name} is not up to date: run make docs")
        place.parent.mkdir(exist_ok=True)
        place.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
