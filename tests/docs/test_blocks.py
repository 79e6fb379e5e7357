"""Every code block of every page is run as it stands, or a comment before it says why it cannot be run here.

The mark is `<!-- skip: next "reason" -->`, which readers do not see. The blocks of a page share names and files: to run
them is one test.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from unittest import SkipTest

import numpy as np
import pytest
import yaml
from sybil import Document, Example
from sybil.evaluators.python import PythonEvaluator
from sybil.evaluators.skip import Skipper
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from core.spec.experiment_spec import ExperimentSpec
from jobs.settings import SECRETS_DIR, Settings
from stepbias import Client
from tests.docs.test_named_places import PAGES, ROOT
from tests.stepbias.client.living_service import living_service, small_spec

ADDRESS = "http://127.0.0.1:8000"
SPEC = small_spec(initialization={"kind": "uniform", "scale": 0.3})


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _shown(page: Path) -> list[int]:
    """The lines where code blocks begin, in any language or none; what is only indented is a formula."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if re.match(r"[ >]*(?:```|~~~)", line)][::2]


PAGES_WITH_CODE = [page for page in PAGES if _shown(page)]

_RISKS = "experiment.to_pandas().pivot(index='init_scale', columns='step_size_fraction', values='excess_risk')"
PROMISES = {
    "docs/tutorials/first-figure.md": (
        "experiment.experiment.runs_reused == 15 and Path('first.png').stat().st_size > 9999 and "
        f"{_RISKS}[0.02].iloc[-1] > 3 * max({_RISKS}[0.02].iloc[0], {_RISKS}[0.9].iloc[-1])"
    ),
    "docs/tutorials/own-data.md": "len(table) == 4 and len(predictor) == 30",
    "docs/tutorials/notebook.md": "len(table) == 36 and figure.startswith(b'%PDF')",
    "docs/how-to/backup.md": "not list(client.experiments(name='a first attempt'))",
    "docs/how-to/keys.md": "shared.shared and shared.id == experiment.id",
    "README.md": "len(curves['curves']) == 2 and figure.startswith(b'\\x89PNG') and len(predictor) == len(flattest)",
    "docs/how-to/uploads.md": "len(faults) == 2 and analysis['samples'] == 2",
    "docs/how-to/your-own-data.md": "slow['explanation'] and fast['summary']['outcome'] != 'converged'",
    "docs/how-to/python.md": "len(table) == 12 and len(predictor) == 8 and repr(figure)[:13] == '<figure risk,'",
    "docs/how-to/figures.md": "'test loss' in figure.alt and len(table) > 6 and b'<desc>' in figure",
    "docs/how-to/data-out.md": "{run['summary']['outcome'] for run in experiment.runs()} == {'converged'}",
}
"""What the blocks of a page leave behind, beyond not failing."""


def _in_shell(commands: str) -> str:
    """Nothing, or what a shell printed that stopped at the first command that failed; no machine has to have curl."""
    if "curl " in commands and shutil.which("curl") is None:
        return ""
    done = subprocess.run(["sh", "-euxc", commands], capture_output=True, text=True, check=False)
    return f"exit status {done.returncode}\n{done.stdout}{done.stderr}" if done.returncode else ""


def _are_known(commands: str) -> str:
    """The same of commands that are not run: `stepbias` knows command and options, the Makefile has the target."""
    # What follows is another command, or a file.
    asked = re.sub(r"^(stepbias [^#|>&;\n]*).*", r"\1 --help", commands, flags=re.MULTILINE)
    asked = re.sub(r"^make ", f"make -n -C '{ROOT}' ", asked, flags=re.MULTILINE)
    return _in_shell("\n".join(re.findall(r"^(?:stepbias|make) .*", asked, flags=re.MULTILINE)))


def _read_spec(document: str) -> None:
    ExperimentSpec.model_validate_json(document)


def _read_override(document: str) -> None:
    """Of services that the deployment has, by settings that there are."""
    deployment = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    deployed, networks = deployment["services"], deployment["networks"]
    settings = {f"STEPBIAS_{name.upper()}" for name in Settings.model_fields} | {SECRETS_DIR}
    for name, service in yaml.safe_load(document)["services"].items():
        assert name in deployed
        assert set(service.get("environment", {})) <= settings
        assert set(service.get("networks", ())) <= set(networks)


PARSERS = (
    SkipParser(),
    CodeBlockParser("python", PythonEvaluator()),
    CodeBlockParser("sh", lambda example: _in_shell(example.parsed)),
    CodeBlockParser("json", lambda example: _read_spec(example.parsed)),
    CodeBlockParser("yaml", lambda example: _read_override(example.parsed)),
)


def _document(page: Path, text: str) -> Document:
    document = Document(text, str(page))
    for parser in PARSERS:
        for region in parser(document):
            document.add(region)
    return document


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, str]]:
    """The address of a service, and the id of an experiment that it has done."""
    with living_service() as living, living.at_work(), Client(living.url) as client:
        yield living.url, client.submit(SPEC).wait().id


_DESKS: Final = itertools.count()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: tuple[str, str]) -> Path:
    """Where a reader sits: a directory with the files that the pages take as given, and the commands installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STEPBIAS_URL", service[0])
    monkeypatch.setenv("CURL_HOME", str(tmp_path))
    (tmp_path / ".curlrc").write_text('fail\nshow-error\nnoproxy = "*"\n')
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    # Other data for each page: nobody deletes what another one uses.
    X, y = np.eye(3, 5), np.full(3, 1 + next(_DESKS) / 1000)
    np.savez(tmp_path / "data.npz", X=X, y=y)
    np.savetxt(tmp_path / "data.csv", np.column_stack([X, y]), delimiter=",", header="a,b,c,d,e,y", comments="")
    return tmp_path


def _evaluate(example: Example) -> None:
    """Run a block, or look at a marked one; an error names the page and the line."""
    try:
        with suppress(SkipTest):
            return example.evaluate()
        assert not _are_known(example.parsed)
    except Exception as error:
        error.add_note(f"{example.path}, line {example.line}")
        raise


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=_name)
def test_every_block_is_in_a_language_that_is_run_or_says_why_not(page: Path) -> None:
    """And not every block of a page is marked."""
    examples = list(_document(page, page.read_text(encoding="utf-8")))
    marks = [example for example in examples if isinstance(example.region.evaluator, Skipper)]
    blocks = [example.line for example in examples if example not in marks]
    unreasoned = [mark.line for mark in marks if mark.parsed[0] != "next" or not mark.parsed[1]]
    assert _shown(page) == blocks
    assert unreasoned == []
    assert len(blocks) > len(marks)


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=_name)
@pytest.mark.usefixtures("desk")
def test_the_blocks_of_a_page_do_what_it_says(page: Path, service: tuple[str, str]) -> None:
    """One after the other, with the address of a service that lives here, and an id of an experiment for `ID`."""
    url, identifier = service
    text = page.read_text(encoding="utf-8").replace(ADDRESS, url)
    document = _document(page, re.sub(r"\bID\b", identifier, text))
    try:
        for example in document:
            _evaluate(example)
        assert eval(PROMISES.get(_name(page), "True"), document.namespace)
    finally:
        for client in document.namespace.values():
            if isinstance(client, Client):
                client.close()
