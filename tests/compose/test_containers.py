"""What every container of the deployment may do, what it takes, and how it is stopped."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from jobs.celery_doorbell import make_celery_app
from jobs.settings import Settings
from stepbias.launcher.processes.served import api_process, worker_process
from tests.compose.deployment import ROOT

VARIABLE: Final = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")
EXAMPLE: Final = re.compile(r"#([A-Z_]+)=(.*)")
BYTES: Final = {"m": 2**20, "g": 2**30, "mb": 2**20, "gb": 2**30}
ENDS: Final = {"credentials", "backup", "restore", "metrics-key"}
"""What does one thing, and ends."""


def test_no_container_may_more_than_it_needs(deployed: Any) -> None:
    """Nobody is root, writes into an image, has a capability or gains one, or makes processes without end."""
    for name, service in deployed["services"].items():
        assert service["init"] is service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["pids_limit"] <= 256, name
        assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & service.keys(), name
        assert "docker.sock" not in str(service), name
        assert _user(service).partition(":")[0] not in {"", "0", "root"}, name


def _user(service: Any) -> str:
    """The user of a service, who is that of our image where it has that one."""
    if service["image"] == "stepbias":
        assert "user" not in service
        return re.findall(r"^USER (.+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)[-1]
    return str(service["user"])


def test_every_container_has_its_share_of_the_machine(deployed: Any) -> None:
    """Of memory, cores and the disk that logs take; one core by default, which every machine has."""
    for name, service in deployed["services"].items():
        assert _bytes(service["mem_limit"]) >= 2**27, name
        assert float(_default(service["cpus"])) <= 1, name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_the_limits_leave_room_for_what_is_taken(deployed: Any) -> None:
    """A full store refuses work, and is not killed for it; a worker has room for the largest batch there is."""
    services = deployed["services"]
    kept = re.search(r"--maxmemory (\S+)", services["redis"]["command"])
    assert kept is not None
    assert _bytes(services["redis"]["mem_limit"]) >= 2 * _bytes(kept[1])
    for name in ("worker", "interactive"):
        assert _bytes(services[name]["mem_limit"]) > 1.25 * Settings().max_memory_bytes


def _default(value: Any) -> str:
    return VARIABLE.sub(r"\2", str(value))


def _bytes(value: Any) -> int:
    number, unit = re.fullmatch(r"(\d+)([a-z]+)", _default(value)).groups()  # type: ignore[union-attr]
    return int(number) * BYTES[unit]


def test_only_the_api_and_the_dashboard_have_a_port_of_this_machine_alone(deployed: Any) -> None:
    """The dashboard only where monitoring is asked for; to other machines a proxy shows them, or nobody."""
    ports = {name: service["ports"] for name, service in deployed["services"].items() if "ports" in service}
    assert ports.keys() == {"api", "grafana"}
    assert deployed["services"]["grafana"]["profiles"] == ["monitoring"]
    assert all(port.startswith("127.0.0.1:") for each in ports.values() for port in each)


def test_what_lives_is_asked_whether_it_works_and_started_again(deployed: Any) -> None:
    """Ours by their own question, under a watch that ends what hangs."""
    for name, service in deployed["services"].items():
        lives = name not in ENDS
        assert ("healthcheck" in service) is lives, name
        assert (service.get("restart", "no") == "unless-stopped") is lives, name
    for name in ("worker", "interactive"):
        assert deployed["services"][name]["healthcheck"]["test"] == ["CMD", "stepbias", "serve", "health", "worker"]
        assert deployed["services"][name]["command"].endswith("--watch")
    assert '"--watch"]' in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_nobody_is_killed_who_is_about_to_stop(deployed: Any) -> None:
    """Compose waits longer than the watch does for its process, and that one longer than Celery for its jobs."""
    worker = worker_process(queue="batch", concurrency=1, environment={}, missing=lambda _pid: None)
    soft = make_celery_app(Settings(redis_url="redis://127.0.0.1:9")).conf.worker_soft_shutdown_timeout
    api = api_process(host="127.0.0.1", port=1, environment={})
    for name in ("worker", "interactive"):
        assert soft < worker.stop_timeout < _seconds(deployed["services"][name]["stop_grace_period"])
    assert api.stop_timeout < _seconds(deployed["services"]["api"]["stop_grace_period"])
    assert all("stop_grace_period" in each for name, each in deployed["services"].items() if name not in ENDS)


def _seconds(period: str) -> int:
    return int(period.removesuffix("s"))


def _told(name: str) -> str:
    """The default of a setting, as its variable would say it."""
    value = Settings.model_fields[name.removeprefix("STEPBIAS_").lower()].default
    return (
        ""
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else f"{value:.12g}"
        if isinstance(value, float)
        else str(value)
    )


def test_every_variable_is_explained_with_its_default() -> None:
    """And the example names no other; those that are only handed on have the default of the setting."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    handed_on = re.findall(r"^ +(STEPBIAS_[A-Z_]+):$", text, re.MULTILINE)
    asked = {name: _told(name) for name in handed_on} | dict(VARIABLE.findall(text))
    assert re.findall(r"\$\{(?![A-Z_]+:-)", text) == []
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert dict(found.groups() for line in lines if (found := EXAMPLE.fullmatch(line))) == asked
    assert len(asked) > 15
    # Copied as it is, the example changes nothing.
    assert [line for line in lines if line and not line.startswith("#")] == []


def _settings_of(service: Any) -> set[str]:
    """Those that a container is given where compose is: named without a value, or by their own variable."""
    given = service["environment"]
    return {
        name.removeprefix("STEPBIAS_").lower()
        for name, value in given.items()
        if value is None or str(value).startswith(f"${{{name}:-")
    }


def test_every_setting_reaches_the_containers(deployed: Any) -> None:
    """A setting that is documented, and set, and does nothing, would be the worst of all; the exceptions say why."""
    elsewhere = {
        "redis_url": "the file of each user's own volume",
        "redis_ca": "no TLS on a network that nobody else is on",
        "store_memory_bytes": "of the embedded server",
    }
    of_ends = {"webhook_hosts": "interactive alone tells ends", "webhook_secret": "as above"}
    of_keys = {"keys": "the API alone asks for keys"}
    services = deployed["services"]
    assert _settings_of(services["api"]) == Settings.model_fields.keys() - elsewhere.keys()
    assert _settings_of(services["interactive"]) == Settings.model_fields.keys() - elsewhere.keys() - of_keys.keys()
    assert _settings_of(services["worker"]) == _settings_of(services["interactive"]) - of_ends.keys()


def test_the_workers_of_other_hosts_are_given_what_workers_read(deployed: Any) -> None:
    """What no module of the workers reads, nor of what they share with the API, is left out."""
    remote = yaml.safe_load((ROOT / "docker-compose.workers.yml").read_text(encoding="utf-8"))["services"]["worker"]
    names = {path: set(re.findall(r"settings\.([a-z_]+)", path.read_text(encoding="utf-8"))) for path in _of_workers()}
    others = {
        "keys": "the API's",
        "webhook_hosts": "they have no way out",
        "webhook_secret": "as above",
        "redis_url": "a file",
        "redis_ca": "a file",
        "store_memory_bytes": "of the embedded server",
        "max_connections": "the API's",
    }
    read = set[str]().union(*names.values()) & Settings.model_fields.keys() - others.keys()
    assert _settings_of(remote) == read
    assert _settings_of(remote) < _settings_of(deployed["services"]["worker"])


def _of_workers() -> Iterator[Path]:
    for place in ("worker", "jobs", "stepbias/launcher"):
        yield from (ROOT / place).rglob("*.py")


def test_the_settings_of_the_example_are_described_as_in_the_reference() -> None:
    """Word by word: one text, in the code."""
    text = " ".join((ROOT / ".env.example").read_text(encoding="utf-8").replace("\n# ", " ").split())
    for name in _settings_of(
        yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["worker"]
    ):
        assert f"{Settings.model_fields[name].description} #STEPBIAS_{name.upper()}=" in text, name


def test_images_from_elsewhere_are_named_by_digest(deployed: Any) -> None:
    """Each by a variable, since a mirror has its own names; the build has no other default than the deployment."""
    images = {
        name: service["image"] for name, service in deployed["services"].items() if service["image"] != "stepbias"
    }
    images["python"] = deployed["services"]["credentials"]["build"]["args"]["PYTHON_IMAGE"]
    for name, image in images.items():
        found = VARIABLE.fullmatch(image)
        assert found is not None, name
        assert re.fullmatch(r"[a-z/]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}", found[2]), name
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG PYTHON_IMAGE={_default(images['python'])}\n" in dockerfile
    bases = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", dockerfile, re.MULTILINE))
    assert bases - stages == {"${PYTHON_IMAGE}", "scratch"}


def test_backups_are_made_and_read_with_the_least_rights(deployed: Any) -> None:
    """Only who makes one writes where they are kept; neither is reached, or reaches anything but the store."""
    for name, kept in (("backup", "/backups"), ("restore", "/backups:ro")):
        service = deployed["services"][name]
        assert service["networks"] == ["store"]
        assert service["volumes"] == ["credentials:/run/credentials:ro", "${STEPBIAS_BACKUPS:-backups}:" + kept]
        assert service["profiles"] == ["backup"]
