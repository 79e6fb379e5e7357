"""The compose files of several hosts beside that of one: what they share and open, and what workers are given."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose.deployment import ROOT

FILES = {
    "one": ("docker-compose.yml",),
    "store": ("docker-compose.yml", "docker-compose.hosts.yml"),
    "workers": ("docker-compose.workers.yml",),
}

HARDENING = (
    *("init", "read_only", "tmpfs", "cap_drop", "security_opt", "pids_limit", "logging", "mem_limit", "cpus"),
    *("restart", "stop_grace_period", "healthcheck"),
)


def said(name: str) -> Any:
    """What a file says, with what it repeats."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture
def one() -> Any:
    """The deployment of one host."""
    return said("docker-compose.yml")


def test_each_user_of_the_store_sees_its_own_secrets_alone(one: Any) -> None:
    """Volumes are mounted whole: what is not mounted, nobody reads. The server is shown the file of users."""
    mounted = {
        name: [volume for volume in service.get("volumes", []) if "credentials" in volume or name == "redis"]
        for name, service in one["services"].items()
    }
    assert not mounted.pop("prometheus")
    assert not mounted.pop("grafana")
    assert mounted == {
        "credentials": [
            "credentials:/run/credentials",
            "api-credentials:/run/credentials/api",
            "worker-credentials:/run/credentials/worker",
        ],
        "redis": ["results:/data", "credentials:/run/users:ro"],
        "api": ["api-credentials:/run/credentials:ro"],
        "worker": ["worker-credentials:/run/credentials:ro"],
        "interactive": ["worker-credentials:/run/credentials:ro"],
        **{name: ["credentials:/run/credentials:ro"] for name in ("backup", "restore", "metrics-key")},
    }


def test_the_store_of_several_hosts_is_that_of_one_with_a_port_more(one: Any) -> None:
    """By TLS, at an address that somebody chose, and on no network where anybody else is."""
    override = said("docker-compose.hosts.yml")
    assert set(override["services"]) == {"redis"}
    store = override["services"]["redis"]
    of_one = one["services"]["redis"]
    assert store["command"].startswith(of_one["command"] + " --tls-port 6380 --tls-cert-file ")
    assert " --port " not in store["command"]
    assert [each.partition(":?")[0] for each in store["ports"]] == ["${STEPBIAS_STORE_BIND"]
    assert store["ports"][0].endswith("}:6380:6380")
    new = set(store["networks"]) - set(of_one["networks"])
    assert new == set(override["networks"])
    assert not any(new & set(each.get("networks", ())) for each in one["services"].values())


def test_workers_elsewhere_are_workers_with_two_secrets_and_nothing_else(one: Any) -> None:
    """No port, no volume, no setting but where the secrets are; as hardened as at home."""
    elsewhere = said("docker-compose.workers.yml")
    assert set(elsewhere["services"]) == {"worker"}
    worker, at_home = elsewhere["services"]["worker"], one["services"]["worker"]
    assert {name: worker[name] for name in ("command", *HARDENING)} == {
        name: at_home[name] for name in ("command", *HARDENING)
    }
    # What is only handed on has no value here.
    set_here = {name: value for name, value in worker["environment"].items() if value is not None}
    assert set_here == {"STEPBIAS_SECRETS_DIR": "/run/secrets"}
    assert worker["secrets"] == ["stepbias_redis_url", "stepbias_redis_ca"]
    assert {name: each["file"] for name, each in elsewhere["secrets"].items()} == {
        name: f"secrets/{name}" for name in worker["secrets"]
    }
    assert not worker.keys() & {"ports", "volumes", "networks", "depends_on"}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_compose_understands_them(files: tuple[str, ...], tmp_path: Path) -> None:
    """Where there is one: by its own reading."""
    try:
        there = subprocess.run(("docker", "compose", "version"), capture_output=True, check=False).returncode == 0
    except OSError:
        there = False
    if not there:
        pytest.skip("no docker compose on this machine")
    environment = tmp_path / "env"
    environment.write_text("STEPBIAS_STORE_BIND=192.0.2.7\n", encoding="ascii")
    named = [word for each in files for word in ("--file", str(ROOT / each))]
    command = ("docker", "compose", "--env-file", str(environment), *named, "config", "--quiet")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
