"""The README's code is run as it stands."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
from typer.testing import CliRunner

from core.results.curves import COUNTS
from core.spec.experiment_spec import KINDS
from stepbias.cli.main import app
from tests.stepbias.client.living_service import living_service

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    """The code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_script_gives_curves_and_a_figure() -> None:
    """Against a service at another address; nothing else is changed."""
    (script,) = blocks("python")
    names: dict[str, Any] = {}
    with living_service() as service, service.at_work():
        exec(compile(script.replace(ADDRESS, service.url), "README.md", "exec"), names)
    assert names["experiment"].status == "succeeded"
    assert len(names["curves"]["curves"]) == 2
    assert names["figure"].startswith(b"\x89PNG")
    assert names["sharpness"]
    assert len(names["predictor"]) == len(names["flattest"])


def test_the_curl_command_is_accepted() -> None:
    """Its body, sent with its header, is a new experiment."""
    (command,) = [block for block in blocks("sh") if block.startswith("curl")]
    body = re.search(r"-d '(.*)'", command, flags=re.DOTALL)
    address = re.search(rf"{ADDRESS}(\S+)", command)
    assert body is not None
    assert address is not None
    with living_service() as service:
        answer = httpx2.post(
            service.url + address[1], content=body[1], headers={"Content-Type": "application/json"}, trust_env=False
        )
    assert answer.status_code == 202
    assert json.loads(body[1])["name"] == answer.json()["name"]


def test_every_command_that_is_shown_exists() -> None:
    """Each `stepbias` command of the README has its help, and each `make` target stands in the Makefile."""
    shell = "\n".join(blocks("sh"))
    commands = set(re.findall(r"^stepbias (\w+)", shell, flags=re.MULTILINE))
    assert {"submit", "fetch", "run", "presets"} <= commands
    for command in commands:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", shell, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_every_link_leads_somewhere() -> None:
    """Files that the README points to are there."""
    links = re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_tables_of_the_reference_are_those_of_the_code() -> None:
    """Every variable, axis, outcome, preset, figure and setting, as `make docs` writes them."""
    check = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_reference.py", "--check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr


def test_every_count_of_a_curve_is_documented() -> None:
    """Each with what it counts."""
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert all(f"| `{count}` |" in reference for count in COUNTS)


def test_every_kind_of_a_spec_is_documented() -> None:
    """In a row of its own, the first of a part with the name of the part."""
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert set(KINDS) == {"data", "model", "initialization", "optimizer"}
    for part, (first, *others) in KINDS.items():
        rows = [f"| `{part}` | `{first}` |", *(f"| | `{kind}` |" for kind in others)]
        assert [row for row in rows if row not in reference] == []
