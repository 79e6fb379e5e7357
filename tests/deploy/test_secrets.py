"""Secrets are in files and nowhere else: in no environment, command line, log, answer, metric or trace."""

import base64
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from jobs.settings import SECRETS_DIR
from stepbias import Client
from stepbias.cli.main import app
from stepbias.launcher.checks.port import free_port
from tests.deploy.guarded_service import STEPBIAS, await_that, guarded_service
from tests.stepbias.client.living_service import small_spec
from tests.stepbias.launcher.household import eventually

ADDRESS = "stepbias_redis_url"


def seen_in_processes(marks: dict[str, str]) -> list[tuple[str, str]]:
    """Which marks the environment or the command line of any process of this machine shows, and of which."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("environ", "cmdline"):
            try:
                text = (process / name).read_bytes()
            except OSError:
                continue
            found += [(mark, f"{process.name}/{name}") for mark, value in marks.items() if value.encode() in text]
    return found


def seen_in(texts: dict[str, bytes], marks: dict[str, str]) -> list[tuple[str, str]]:
    """Which marks stand in which of the texts."""
    return [(mark, name) for name, text in texts.items() for mark, value in marks.items() if value.encode() in text]


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Where traces go, and what came; strings in them are as they were."""
    came: list[bytes] = []

    class Collecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Collecting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()


@pytest.mark.services
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked at through /proc")
def test_what_is_in_the_directory_of_secrets_is_seen_nowhere_else(tmp_path: Path) -> None:
    """A service at work, one whose store is away, and a worker with a wrong password; then all that they left."""
    marks = {
        "password": secrets.token_hex(32),
        "wrong password": secrets.token_hex(32),
        "webhook secret": base64.b64encode(secrets.token_bytes(33)).decode(),
    }
    given = {
        ADDRESS: f"redis://:{marks['password']}@127.0.0.1:1/0",
        "stepbias_webhook_secret": f"whsec_{marks['webhook secret']}",
    }
    texts: dict[str, bytes] = {}
    with collector() as (traces, came):
        settings = {
            "STEPBIAS_KEYS": "required",
            "STEPBIAS_WEBHOOK_HOSTS": "hooks.example",
            "OTEL_EXPORTER_OTLP_ENDPOINT": traces,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with guarded_service(tmp_path, settings, given) as service:
            assert marks["password"] in service.store_url
            command = [*STEPBIAS, "keys", "add", "ada"]
            added = subprocess.run(command, env=dict(service.environment), check=True, capture_output=True, text=True)
            marks["key"] = key = added.stdout.strip()
            with Client(service.url, api_key=key) as client:
                client.submit(small_spec()).wait(60)
                ask = {"Authorization": f"Bearer {key}"}
                for path in ("/metrics", "/readyz", "/v1/experiments", "/v1/nothing"):
                    texts[path] = httpx2.get(service.url + path, headers=ask, trust_env=False).content
                refused = httpx2.get(f"{service.url}/v1/experiments", headers={"Authorization": f"Bearer {key}x"})
                texts["a wrong key"] = refused.content
            doctor = [*STEPBIAS, "doctor", "--json"]
            texts["doctor"] = _printed(doctor, service.environment)
            wrong = tmp_path / "wrong"
            wrong.mkdir()
            (wrong / ADDRESS).write_text(service.store_url.replace(marks["password"], marks["wrong password"]))
            misled = service.environment | {SECRETS_DIR: str(wrong)}
            texts["doctor, misled"] = _printed(doctor, misled)
            texts["worker, misled"] = _printed([*STEPBIAS, "serve", "health", "worker"], misled)
            assert seen_in_processes(marks) == []
            service.stop("server")
            away = httpx2.get(f"{service.url}/v1/experiments", headers=ask, trust_env=False, timeout=30)
            assert away.status_code == 503
            texts["a store that is away"] = away.content
            texts["doctor, store away"] = _printed(doctor, service.environment)
            service.start_server()
        await_that(lambda: came)
        texts["traces"] = b"".join(came)
    texts |= {log.name: log.read_bytes() for log in tmp_path.glob("*.log")}
    assert {"api.log", "interactive.log", "server.log"} <= set(texts)
    assert b"experiments" in texts["traces"]
    assert all(texts[name] for name in ("/metrics", "doctor", "doctor, misled", "a store that is away"))
    assert seen_in(texts, marks) == []


def _printed(command: list[str], environment: Any) -> bytes:
    done = subprocess.run(command, env=dict(environment), check=False, capture_output=True, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.services
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked at through /proc")
def test_stepbias_up_shows_the_password_of_its_own_server_to_nobody(tmp_path: Path) -> None:
    """Its processes read it from a file that is theirs alone; secrets that it was given itself are read besides."""
    state, own = tmp_path / "state", tmp_path / "own"
    own.mkdir()
    (own / "stepbias_webhook_secret").write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
    environment |= {SECRETS_DIR: "own", "STEPBIAS_WEBHOOK_HOSTS": "hooks.example"}
    port = str(free_port("127.0.0.1"))
    command = [*STEPBIAS, "up", "--port", port, "--workers", "1", "--state-dir", str(state)]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            assert service.stdout.readline().startswith("stepbias is ready at ")
            marks = {"password": (state / "server" / "password").read_text().strip()}
            assert len(marks["password"]) >= 32
            assert seen_in_processes(marks) == []
            assert (state / "secrets" / ADDRESS).stat().st_mode & 0o777 == 0o600
        finally:
            service.terminate()
    logs = {log.name: log.read_bytes() for log in (state / "log").glob("*.log")}
    assert {"api.log", "server.log"} <= set(logs)
    assert seen_in(logs, marks) == []


def test_a_mark_that_is_shown_is_seen(tmp_path: Path) -> None:
    """Else nothing followed from none being seen."""
    mark = secrets.token_hex(16)
    marks = {"mark": mark}
    with subprocess.Popen(["sleep", "60"], env={"SHOWN": mark}) as shown:
        assert eventually(lambda: seen_in_processes(marks) == [("mark", f"{shown.pid}/environ")])
        shown.kill()
    assert seen_in({"log": f"a {mark} b".encode()}, marks) == [("mark", "log")]
    assert not list(tmp_path.iterdir())


def test_the_doctor_says_that_a_file_is_better_than_a_variable(empty_valkey_url: str) -> None:
    """Without the password, and only where there is one; that it is so is no fault of the service."""
    address = empty_valkey_url.replace("redis://", "redis://:marked-password@")
    told = CliRunner().invoke(app, ["doctor"], env={"STEPBIAS_REDIS_URL": address, SECRETS_DIR: None})
    assert "secrets  STEPBIAS_REDIS_URL can be read by whoever sees the environment" in told.output
    assert "marked-password" not in told.output
    told = CliRunner().invoke(app, ["doctor"], env={"STEPBIAS_REDIS_URL": empty_valkey_url, SECRETS_DIR: None})
    assert "secrets" not in told.output
