"""What Prometheus and Grafana are given: every number that they name is one that the API has."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.metrics_key import OWNER, ensure_key
from jobs.api_keys import KeyScope
from jobs.connection import connect
from jobs.redis_store import RedisStore
from jobs.settings import Settings
from stepbias.launcher.checks.port import free_port
from tests.api.service import Service
from tests.compose.deployment import ROOT
from tests.stepbias.launcher.household import eventually

MONITORING: Final = ROOT / "deploy" / "monitoring"
RULES: Final = MONITORING / "prometheus" / "alerts.yml"
DASHBOARD: Final = MONITORING / "grafana" / "dashboards" / "stepbias.json"

METRIC: Final = re.compile(r"\bstepbias_[a-z_]+")
LABELLED: Final = re.compile(r"\b(stepbias_[a-z_]+)\{([^}]*)\}")
GROUPED: Final = re.compile(r"\b(?:by|on) \(([a-z, ]+)\)")
OF_PROMETHEUS: Final = {"instance", "job", "alertname", "alertstate", "le"}

needs_prometheus = pytest.mark.skipif(
    shutil.which("promtool") is None or shutil.which("prometheus") is None, reason="Prometheus is not installed"
)


@pytest.fixture(scope="module")
def dashboard() -> Any:
    """What Grafana shows."""
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def _alerts() -> Mapping[str, Any]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def _asked(dashboard: Any) -> list[str]:
    """Every question of the dashboard, and every condition of an alert."""
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return shown + [rule["expr"] for rule in _alerts().values()]


def _exported(text: str) -> Mapping[str, set[str]]:
    """The labels of every sample, by its name."""
    found: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] |= sample.labels.keys()
    return found


def test_every_number_that_is_asked_for_is_one_that_the_api_has(api: Service, dashboard: Any) -> None:
    """With the labels that are asked for: a wrong name would be an empty graph, and an alert that is silent."""
    api.get("/healthz")
    exported = _exported(api.get("/metrics").text)
    questions = _asked(dashboard)
    named = {name for question in questions for name in METRIC.findall(question)}
    assert named <= exported.keys()
    for question in questions:
        for name, labels in LABELLED.findall(question):
            assert set(re.findall(r"([a-z]+)(?:=|!)", labels)) <= exported[name], question
        known = set().union(*(exported[name] for name in METRIC.findall(question))) | OF_PROMETHEUS | {"class"}
        for group in GROUPED.findall(question):
            assert set(group.split(", ")) <= known, question
    # The other way round: no number is made that nobody looks at.
    looked_at = {name.removesuffix("_total") for name in named}
    made = {re.sub(r"_(total|created|bucket|count|sum)$", "", name) for name in exported}
    assert made <= {re.sub(r"_(bucket|count|sum)$", "", name) for name in looked_at}


def test_the_dashboard_is_one_that_grafana_reads(dashboard: Any) -> None:
    """By the structure that its documentation describes; no panel lies on another, and all ask the one source."""
    path = MONITORING / "grafana" / "provisioning" / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
    assert {"uid", "title", "panels", "schemaVersion", "time"} <= dashboard.keys()
    assert dashboard["schemaVersion"] >= 36
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        assert panel["type"] in {"stat", "timeseries", "table"}
        assert panel["title"]
        assert panel["description"].endswith(".") or "docs/" in panel["description"]
        assert panel["targets"]
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": source["type"], "uid": source["uid"]}
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 10


def test_grafana_and_prometheus_find_what_they_are_given(deployed: Any) -> None:
    """Every path inside a container is one that a file of the checkout is shown at."""
    grafana, prometheus = (deployed["services"][name] for name in ("grafana", "prometheus"))
    shown = dict(volume.split(":")[:2] for volume in (*grafana["volumes"], *prometheus["volumes"]))
    assert all((ROOT / name).is_dir() for name in shown if name.startswith("./"))
    inside = {place: ROOT / name for name, place in shown.items()}
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert inside[str(home.parent)] / home.name == DASHBOARD
    provider = MONITORING / "grafana" / "provisioning" / "dashboards" / "stepbias.yml"
    (provided,) = yaml.safe_load(provider.read_text(encoding="utf-8"))["providers"]
    assert inside[provided["options"]["path"]] == DASHBOARD.parent
    scraped = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = scraped["scrape_configs"]
    key = Path(job["authorization"]["credentials_file"])
    assert f"metrics-key:{key.parent}:ro" in prometheus["volumes"]
    made = deployed["services"]["metrics-key"]
    assert f"metrics-key:{Path(made['command'][-1]).parent}" in made["volumes"]
    assert Path(made["command"][-1]).name == key.name


def test_every_alert_is_told_of_in_the_documentation() -> None:
    """With what to do about it."""
    page = (ROOT / "docs" / "how-to" / "monitoring.md").read_text(encoding="utf-8")
    assert [name for name in _alerts() if f"| `{name}` |" not in page] == []


def test_the_key_is_kept_as_long_as_the_store_knows_it(empty_valkey_url: str, tmp_path: Path) -> None:
    """Another one is made for a store that is begun anew; it reads, and does nothing else."""
    file = tmp_path / "key"
    with connect(empty_valkey_url, patience=5.0) as client:
        store = RedisStore(client, Settings())
        ensure_key(store, file)
        first = file.read_text(encoding="ascii")
        ensure_key(store, file)
        assert file.read_text(encoding="ascii") == first
        (kept,) = store.keys()
        assert (kept.owner, kept.scope, kept.expires_at) == (OWNER, KeyScope.READ, None)
        client.flushall()
        ensure_key(store, file)
        (kept,) = store.keys()
        second = file.read_text(encoding="ascii")
        assert second != first
        assert kept.is_of(second)
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o444


@needs_prometheus
def test_alerts_fire_when_they_should_and_no_other_time() -> None:
    """By Prometheus itself: its own unit tests, in which everything goes well and everything goes wrong."""
    cases = ROOT / "tests" / "compose" / "alerts_test.yml"
    tested = subprocess.run(["promtool", "test", "rules", cases], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    expected = yaml.safe_load(cases.read_text(encoding="utf-8"))["tests"][-1]["promql_expr_test"][0]["exp_samples"]
    assert {sample["labels"] for sample in expected} == {f'{{alertname="{name}"}}' for name in _alerts()}


@pytest.mark.services
@needs_prometheus
def test_prometheus_reads_the_numbers_with_its_key(empty_valkey_url: str, dashboard: Any, tmp_path: Path) -> None:
    """A real one, of an API that requires keys: without its own it is refused; every question is one it understands."""
    key = tmp_path / "key"
    key.write_text("sb_000000000000_" + 43 * "x", encoding="ascii")
    with _served(empty_valkey_url) as port, _prometheus(port, key, tmp_path) as url:
        assert eventually(lambda: _values(url, 'up{job="stepbias"}') == [0.0], patience=120)
        with connect(empty_valkey_url, patience=5.0) as client:
            ensure_key(RedisStore(client, Settings()), key)
        assert eventually(lambda: _values(url, 'up{job="stepbias"}') == [1.0], patience=120)
        assert eventually(lambda: _values(url, "stepbias_store_up") == [1.0], patience=60)
        for question in _asked(dashboard):
            _values(url, question)
        rules = httpx2.get(f"{url}/api/v1/rules", trust_env=False).json()["data"]["groups"][0]["rules"]
        assert {rule["name"] for rule in rules} == _alerts().keys()
        assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


def _values(url: str, question: str) -> list[float]:
    """What Prometheus answers.

    Raises:
        AssertionError: it does not understand the question.
    """
    try:
        answer = httpx2.get(f"{url}/api/v1/query", params={"query": question}, trust_env=False)
    except httpx2.TransportError:
        return []
    if answer.status_code == 503:  # it starts
        return []
    assert answer.status_code == 200, answer.text
    return [float(each["value"][1]) for each in answer.json()["data"]["result"]]


@contextmanager
def _served(store: str) -> Iterator[int]:
    """An API that requires keys."""
    port = free_port("127.0.0.1")
    command = [sys.executable, "-P", "-m", "stepbias.cli.main", "serve", "api", "--port", str(port)]
    environment = os.environ | {"STEPBIAS_REDIS_URL": store, "STEPBIAS_KEYS": "required"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as api:
        try:
            yield port
        finally:
            api.kill()


@contextmanager
def _prometheus(api: int, key: Path, directory: Path) -> Iterator[str]:
    """Prometheus as the deployment has it, but for where the API and the key are, and for how long it waits."""
    port = free_port("127.0.0.1")
    text = (MONITORING / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    for ours, here in (
        ("/run/monitoring/key", str(key)),
        ("api:8000", f"127.0.0.1:{api}"),
        ("15s", "1s"),
        ("[alerts.yml]", f"[{RULES}]"),
    ):
        assert ours in text
        text = text.replace(ours, here)
    config = directory / "prometheus.yml"
    config.write_text(text, encoding="utf-8")
    checked = subprocess.run(["promtool", "check", "config", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    where = ["--web.listen-address", f"127.0.0.1:{port}", "--storage.tsdb.path", str(directory / "data")]
    command = ["prometheus", "--config.file", str(config), "--log.level", "error", *where]
    with subprocess.Popen(command) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
