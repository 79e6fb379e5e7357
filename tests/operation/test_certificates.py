"""A store's certificate is replaced by the line of the page, under connections that stay and others that come."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from jobs.connection import connect
from tests.conftest import free_port
from tests.operation.page import blocks

pytestmark = pytest.mark.services


def _certificate(directory: Path, name: str) -> Path:
    """One for localhost that it has signed itself; the key is beside it."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += [
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.crt",
        "-subj",
        "/CN=a",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]
    subprocess.run(made, cwd=directory, check=True, capture_output=True)
    return directory / f"{name}.crt"


@contextmanager
def _server(program: str, directory: Path) -> Iterator[int]:
    port = free_port()
    options = {
        "bind": "127.0.0.1",
        "port": 0,
        "tls-port": port,
        "tls-cert-file": directory / "old.crt",
        "tls-key-file": directory / "old.key",
        "tls-auth-clients": "no",
        "dir": directory,
        "save": "",
    }
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    with subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL) as server:
        try:
            yield port
        finally:
            server.kill()


def test_a_certificate_is_replaced_under_connections_that_stay(tmp_path: Path) -> None:
    """With both authorities in the file of the clients nobody is refused; who has the old one alone is."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("no server on PATH that may speak TLS, or no openssl")
    old, new = (_certificate(tmp_path, name) for name in ("old", "new"))
    (line,) = (each.text for each in blocks("rotate-secrets.md") if "tls-cert-file" in each.text)
    told = line.strip().replace("/etc/redis", str(tmp_path)).partition("--tls ")[2].split()
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(old.read_text())
    with _server(program, tmp_path) as port:
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={trusted}"
        with redis.Redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 200)) as first:
            try:
                first.ping()
            except redis.ConnectionError:
                pytest.skip(f"{program} does not speak TLS")
            trusted.write_text(old.read_text() + new.read_text())
            identifier = first.client_id()
            first.execute_command(*told)
            with connect(url, patience=0.2) as later:
                assert later.ping()
            assert first.client_id() == identifier
            with (
                connect(f"rediss://localhost:{port}/0?ssl_ca_certs={old}", patience=0.2) as left_behind,
                pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"),
            ):
                left_behind.ping()
