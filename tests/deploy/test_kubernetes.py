"""The Kubernetes example says what the service, its settings and its other deployment say."""

import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any, Final

import click
import pytest
import yaml

from api.readiness import QueueDocument
from jobs.celery_doorbell import make_celery_app
from jobs.settings import SECRETS_DIR, Settings
from stepbias.cli.main import app
from stepbias.launcher.checks.reach import is_loopback, require_meant
from stepbias.launcher.processes.served import REQUEST_PATIENCE, worker_process
from tests.deploy.manifests import KUBERNETES, ROOT, commands, containers, manifests, named, workloads

COMPOSE: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OURS: Final = {"api", "worker-batch", "worker-interactive"}


def _environment(container: Any) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("env", ())}


def _options(command: list[str]) -> dict[str, str]:
    return dict(pairwise(command))


def _read(arguments: list[str]) -> None:
    """Let the command line read it, and not carry it out."""
    command: Any = app
    context = command.make_context("stepbias", list(arguments))
    while isinstance(command, click.Group):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)


def test_every_command_is_one_of_ours_with_options_that_it_has() -> None:
    """Each is read by the command line itself; one with an option of nobody is found out."""
    asked = [command[1:] for _, each in containers() for command in commands(each) if command[0] == "stepbias"]
    assert len(asked) == 7
    for arguments in asked:
        _read(arguments)
        with pytest.raises(click.UsageError):
            _read([*arguments, "--nobodys"])


def test_every_variable_is_a_setting_and_every_secret_a_file_of_one() -> None:
    """And together they are settings that can be used; no secret is in an environment."""
    known = {f"STEPBIAS_{name.upper()}" for name in Settings.model_fields}
    secret = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert secret == {"redis_url", "broker_url", "webhook_secret"}
    for name, container in containers():
        variables = _environment(container)
        assert set(variables) <= known | {SECRETS_DIR}
        assert not {f"STEPBIAS_{each.upper()}" for each in secret} & set(variables)
        assert "envFrom" not in container
        assert all("valueFrom" not in each for each in container.get("env", ()))
        if name in OURS:
            fields = {key.removeprefix("STEPBIAS_").lower(): value for key, value in variables.items()}
            settings = Settings(redis_url="redis://x", **{k: v for k, v in fields.items() if k != "secrets_dir"})
            mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
            files = set(_secret_files(workloads()[name], mounts[variables[SECRETS_DIR]]))
            assert "stepbias_redis_url" in files
            assert files <= {f"stepbias_{each}" for each in secret}
            assert settings.process_memory_bytes is None or settings.process_memory_bytes > settings.max_memory_bytes


def _secret_files(template: Any, volume: str) -> Iterator[str]:
    (found,) = (each for each in template["spec"]["volumes"] if each["name"] == volume)
    for source in found["projected"]["sources"]:
        yield from (item["path"] for item in source["secret"]["items"])


def test_who_listens_for_others_says_that_keys_are_required() -> None:
    """As the API itself asks, at the address of the command, where the Service sends."""
    (container,) = (each for name, each in containers() if name == "api")
    options, environment = _options(container["command"]), _environment(container)
    assert not is_loopback(options["--host"])
    assert environment["STEPBIAS_KEYS"] == "required"
    require_meant(options["--host"], Settings(keys=environment["STEPBIAS_KEYS"]))
    port = named("Service", "api")["spec"]["ports"][0]
    (listening,) = container["ports"]
    assert listening["name"] == port["targetPort"]
    assert str(listening["containerPort"]) == options["--port"]


def test_the_probes_ask_what_there_is() -> None:
    """Paths of the API; and none of what restarts asks for workers or for the store."""
    paths = set(json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))["paths"])
    probes = {"startupProbe", "readinessProbe", "livenessProbe"}
    asked = {
        (name, probe): container[probe]["httpGet"]["path"]
        for name, container in containers()
        for probe in probes & set(container)
        if "httpGet" in container[probe]
    }
    assert set(asked.values()) == {"/healthz"} <= paths
    assert {probe for _, probe in asked} == probes
    workers = {name: container for name, container in containers() if name.startswith("worker")}
    assert all("livenessProbe" not in each and "--watch" in each["command"] for each in workers.values())
    for container in workers.values():
        assert container["readinessProbe"]["exec"]["command"] == ["stepbias", "serve", "health", "worker"]


def test_a_pod_that_is_to_end_has_the_time_that_its_process_takes() -> None:
    """The soft shutdown of a worker, then what its watch leaves it; the requests of an API after its hook."""
    grace = {name: each["spec"]["terminationGracePeriodSeconds"] for name, each in workloads().items()}
    watched = worker_process(queue="batch", concurrency=1, environment={}, missing=lambda _: None).stop_timeout
    soft = make_celery_app(Settings(redis_url="redis://x")).conf.worker_soft_shutdown_timeout
    assert soft < watched < min(grace["worker-batch"], grace["worker-interactive"])
    (api,) = (each for name, each in containers() if name == "api")
    assert int(api["lifecycle"]["preStop"]["exec"]["command"][1]) + REQUEST_PATIENCE + 5 < grace["api"]
    assert grace["store"] >= int(COMPOSE["services"]["redis"]["stop_grace_period"].removesuffix("s"))


def test_every_pod_is_confined_as_those_of_compose() -> None:
    """Nobody is root, nothing can be written but what is mounted, and no pod has a token of the cluster."""
    for name, template in workloads().items():
        pod = template["spec"]
        assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == (10001 if name in OURS else 999)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    for _, container in containers():
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} == set(container["resources"])
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_store_keeps_what_it_is_given() -> None:
    """The image and the options of compose, on a disk that outlives it; there is one."""
    store = named("StatefulSet", "store")["spec"]
    (container,) = store["template"]["spec"]["containers"]
    compose = COMPOSE["services"]["redis"]
    assert container["image"] == compose["image"].partition(":-")[2].removesuffix("}")
    wanted = dict(zip(*[iter(compose["command"].split()[1:])] * 2, strict=True))
    given = dict(zip(*[iter(container["args"])] * 2, strict=True))
    for option in ("--appendonly", "--appendfsync", "--maxmemory-policy"):
        assert given[option] == wanted[option]
    assert given["--aclfile"].endswith("/users.acl")
    assert given["--save"] == ""
    assert store["replicas"] == 1
    (claim,) = store["volumeClaimTemplates"]
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    assert mounts[given["--dir"]] == claim["metadata"]["name"]


def test_the_image_is_of_this_version() -> None:
    """Elsewhere it is named without one."""
    (image,) = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text(encoding="utf-8"))["images"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert (image["name"], image["newTag"]) == (COMPOSE["services"]["api"]["image"], version)
    assert {each["image"] for name, each in containers() if name in OURS} == {image["name"]}


def test_only_the_api_and_the_workers_reach_the_store() -> None:
    """All else is forbidden to everybody; of the store's pods none may begin a connection."""
    policies = {each["metadata"]["name"]: each["spec"] for each in manifests() if each["kind"] == "NetworkPolicy"}
    assert policies["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = {name: template["metadata"]["labels"] for name, template in workloads().items()}
    store_port = named("Service", "store")["spec"]["ports"][0]["port"]
    (ingress,) = policies["store"]["ingress"]
    (allowed,) = (each["podSelector"]["matchLabels"] for each in ingress["from"])
    assert {name for name, own in labels.items() if allowed.items() <= own.items()} == OURS
    assert [each["port"] for each in ingress["ports"]] == [store_port]
    reaching = [name for name, spec in policies.items() if "egress" in spec]
    assert reaching == ["reaches-store"]
    assert policies["reaches-store"]["podSelector"]["matchLabels"] == allowed
    selected = chain.from_iterable(spec["podSelector"].get("matchLabels", {}).items() for spec in policies.values())
    assert set(selected) <= set(chain.from_iterable(each.items() for each in labels.values()))


def test_selectors_select_what_they_mean() -> None:
    """A Service, a budget or a workload that selects nothing is silent about it."""
    labels = {name: template["metadata"]["labels"] for name, template in workloads().items()}
    for each in manifests():
        selector = each.get("spec", {}).get("selector") if each["kind"] != "NetworkPolicy" else None
        if selector is not None:
            wanted = selector.get("matchLabels", selector)
            found = {name for name, own in labels.items() if wanted.items() <= own.items()}
            assert found == {each["metadata"]["name"]}
    assert named("PodDisruptionBudget", "worker-interactive")["spec"]["minAvailable"] >= 1
    assert named("Deployment", "worker-interactive")["spec"]["replicas"] >= 2


@pytest.mark.parametrize(("overlay", "kind"), [("keda", "ScaledObject"), ("hpa", "HorizontalPodAutoscaler")])
def test_batches_are_scaled_by_a_number_that_is_told_and_never_to_nobody(overlay: str, kind: str) -> None:
    """Workers for batches alone; where they go it is slowly, and `kubectl apply` does not set their number anew."""
    (scaled,) = (each["spec"] for each in manifests(overlay) if each["kind"] == kind)
    assert scaled["scaleTargetRef"]["name"] == "worker-batch"
    assert scaled.get("minReplicaCount", scaled.get("minReplicas")) == 1
    kustomization = yaml.safe_load((KUBERNETES / overlay / "kustomization.yaml").read_text(encoding="utf-8"))
    (patch,) = kustomization["patches"]
    assert patch["target"] == {"kind": "Deployment", "name": "worker-batch"}
    assert yaml.safe_load(patch["patch"]) == [{"op": "remove", "path": "/spec/replicas"}]
    horizontal = scaled.get("advanced", {}).get("horizontalPodAutoscalerConfig", scaled)
    down = horizontal["behavior"]["scaleDown"]
    grace = workloads()["worker-batch"]["spec"]["terminationGracePeriodSeconds"]
    assert down["stabilizationWindowSeconds"] > grace
    assert all(policy["periodSeconds"] > grace for policy in down["policies"])


def test_the_scalers_read_what_the_api_tells() -> None:
    """The path, by the name of the Service, which the API answers to; the field; and the metric."""
    (trigger,) = named("ScaledObject", "worker-batch", "keda")["spec"]["triggers"]
    (container,) = (each for name, each in containers() if name == "api")
    host = _environment(container)["STEPBIAS_ALLOWED_HOSTS"]
    service = named("Service", "api")
    namespace = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text(encoding="utf-8"))["namespace"]
    assert host == f"{service['metadata']['name']}.{namespace}.svc"
    port = service["spec"]["ports"][0]["port"]
    assert trigger["metadata"]["url"] == f"http://{host}:{port}/readyz"
    first, queue, field = trigger["metadata"]["valueLocation"].split(".")
    assert (first, queue) == ("queues", "batch")
    assert field in QueueDocument.model_fields
    external = named("HorizontalPodAutoscaler", "worker-batch", "hpa")["spec"]["metrics"][0]["external"]
    assert external["metric"] == {"name": f"stepbias_queue_{field}", "selector": {"matchLabels": {"queue": queue}}}
    assert f'"{field}": "' in (ROOT / "api" / "http" / "metrics.py").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
@pytest.mark.parametrize("overlay", ["base", "keda", "hpa"])
def test_kustomize_builds_every_overlay(overlay: str) -> None:
    """All that is named here, in the namespace, with an image that has a tag; scaled workers have no number."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES / overlay)], capture_output=True, text=True, check=True, timeout=60
    )
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(manifests(overlay))
    assert {each["metadata"].get("namespace", "stepbias") for each in built} == {"stepbias"}
    workers = next(e for e in built if (e["kind"], e["metadata"]["name"]) == ("Deployment", "worker-batch"))
    assert ("replicas" in workers["spec"]) == (overlay == "base")
    assert json.dumps(workers).count('"image": "stepbias:') == 1
