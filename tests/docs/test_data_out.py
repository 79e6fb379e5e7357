"""The how-to on taking numbers out is run as it stands."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.stepbias.client.living_service import living_service

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "data-out.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_page_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block after block, against a service at another address; then each file of its curl commands is there."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with living_service() as service, service.at_work():
        for block in _blocks("python"):
            exec(compile(block.replace(ADDRESS, service.url), "data-out.md", "exec"), names)
        addresses = re.findall(rf"{ADDRESS}(\S+)", "".join(_blocks("sh")))
        answers = [
            httpx2.get(service.url + address.replace("ID", names["experiment"].id), trust_env=False)
            for address in addresses
        ]
        outcomes = {run["summary"]["outcome"] for run in names["experiment"].runs()}
        names["client"].close()
    assert [answer.status_code for answer in answers] == [200] * 4
    assert (tmp_path / "edge-of-stability.png").read_bytes().startswith(b"\x89PNG")
    assert outcomes == {"converged"}
    assert 0 < names["residual"] < 1e-12
    assert names["closest"] in names["interpolators"]
