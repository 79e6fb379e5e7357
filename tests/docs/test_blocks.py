"""Every code block of every page is run as it stands, or says in a comment before it why it cannot be run here.

The mark is `<!-- skip: next "reason" -->`, which readers do not see. A page is one test: its blocks share names and files.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pytest
import yaml
from sybil import Document, Example
from sybil.evaluators.python import PythonEvaluator
from sybil.evaluators.skip import Skipper
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from core.spec.experiment_spec import ExperimentSpec
from jobs.settings import Settings
from stepbias import Client
from tests.docs.test_named_places import PAGES, ROOT
from tests.stepbias.client.living_service import living_service, small_spec

ADDRESS = "http://127.0.0.1:8000"
FENCE = re.compile(r"^[ >]*(?:```|~~~)", re.MULTILINE)
CHAPTERS = [page for page in PAGES if FENCE.search(page.read_text(encoding="utf-8"))]

PROMISES = {
    "README.md": "len(curves['curves']) == 2 and figure.startswith(b'\\x89PNG') and len(predictor) == len(flattest)",
    "docs/how-to/data-out.md": "residual > 0 and {run['summary']['outcome'] for run in experiment.runs()} == {'converged'}",
}
"""What the blocks of a page leave behind, beyond not failing."""


def _in_shell(commands: str) -> str:
    """Nothing, or what a shell printed that stopped at the first command that failed."""
    if "curl " in commands and shutil.which("curl") is None:
        raise SkipTest("there is no curl on this machine")
    done = subprocess.run(["sh", "-euxc", commands], capture_output=True, text=True, check=False)
    return f"exit status {done.returncode}\n{done.stdout}{done.stderr}" if done.returncode else ""


def _is_a_spec(example: Example) -> None:
    ExperimentSpec.model_validate_json(example.parsed)


def _overrides_the_deployment(example: Example) -> None:
    """Names services of the deployment, and settings."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name, service in yaml.safe_load(example.parsed)["services"].items():
        assert name in services
        assert {setting.removeprefix("STEPBIAS_").lower() for setting in service["environment"]} <= set(
            Settings.model_fields
        )


PARSERS = (
    SkipParser(),
    CodeBlockParser("python", PythonEvaluator()),
    CodeBlockParser("sh", lambda example: _in_shell(example.parsed)),
    CodeBlockParser("json", _is_a_spec),
    CodeBlockParser("yaml", _overrides_the_deployment),
)


def _document(page: Path, text: str) -> Document:
    document = Document(text, str(page))
    for parser in PARSERS:
        for region in parser(document):
            document.add(region)
    return document


def _are_known(commands: str) -> str:
    """The same of commands that are not run: `stepbias` knows command and options, the Makefile has the target."""
    asked = re.sub(r"^(stepbias [^#\n]*)", r"\1 --help ", commands, flags=re.MULTILINE)
    asked = re.sub(r"^make ", f"make -n -C '{ROOT}' ", asked, flags=re.MULTILINE)
    return _in_shell("\n".join(re.findall(r"^(?:stepbias|make) .*", asked, flags=re.MULTILINE)))


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, str]]:
    """The address of a service, and the id of an experiment that it has done."""
    with living_service() as living, living.at_work(), Client(living.url) as client:
        yield living.url, client.submit(small_spec()).wait().id


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: tuple[str, str]) -> Path:
    """Where a reader sits: a directory with the files that the pages take as given, and the commands installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STEPBIAS_URL", service[0])
    monkeypatch.setenv("CURL_HOME", str(tmp_path))
    (tmp_path / ".curlrc").write_text('fail\nshow-error\nnoproxy = "*"\n')
    (tmp_path / "spec.json").write_text(json.dumps(small_spec()))
    X, y = np.eye(3, 5), np.ones(3)
    np.savez(tmp_path / "data.npz", X=X, y=y)
    np.savetxt(tmp_path / "data.csv", np.column_stack([X, y]), delimiter=",", header="a,b,c,d,e,y", comments="")
    return tmp_path


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.usefixtures("desk")
def test_the_blocks_of_a_page_do_what_it_says(page: Path, service: tuple[str, str]) -> None:
    """One after the other, with the address of a service that lives here, and an id for `ID`; no block is overlooked."""
    text = page.read_text(encoding="utf-8")
    document = _document(page, re.sub(r"\bID\b", service[1], text.replace(ADDRESS, service[0])))
    blocks = [example for example in document if not isinstance(example.region.evaluator, Skipper)]
    assert 2 * len(blocks) == len(FENCE.findall(text)), f"{page}: a block is in no language that can be run"
    try:
        skipped = [example for example in document if _is_skipped(example)]
        assert len(skipped) < len(blocks)
        assert eval(PROMISES.get(str(page.relative_to(ROOT)), "True"), document.namespace)
    finally:
        for client in document.namespace.values():
            if isinstance(client, Client):
                client.close()


def _is_skipped(example: Example) -> bool:
    """Whether a block has not been run; an error names the page and its line."""
    try:
        if isinstance(example.region.evaluator, Skipper):
            assert example.parsed[1], "a block is skipped, and no reason is given"
        example.evaluate()
    except SkipTest:
        assert not _are_known(example.parsed)
        return True
    except Exception as error:
        error.add_note(f"{example.path}, line {example.line}")
        raise
    return False
