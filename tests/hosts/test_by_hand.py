"""The store without containers, as docs/how-to/many-hosts.md has people type it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from stepbias.cli.main import app
from tests.conftest import free_port
from tests.hosts.certificates import PAGE, make, needs_openssl

_SECONDS = 20.0


def has_tls() -> bool:
    """Whether there is a server on this machine that speaks TLS; ours does not."""
    program = shutil.which("redis-server")
    if program is None:
        return False
    words = (program, "--port", "0", "--tls-port", str(free_port()))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_SECONDS)
    # It finds nothing to show; one without TLS does not get so far.
    return "No tls-cert-file configured" in done.stdout


@pytest.mark.services
@needs_openssl
@pytest.mark.skipif(not has_tls(), reason="no redis-server with TLS on this machine")
def test_the_lines_of_the_page_make_a_store_for_each_user(tmp_path: Path) -> None:
    """Doctor finds nothing wrong with any of the three secrets."""
    make(tmp_path / "store")
    port = free_port()
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    start, copies = (
        next(block for block in blocks if word in block) for word in ("mkdir data", "cp tls/ca.crt credentials/api")
    )
    start = start.replace("store.lab", "localhost").replace("6380", str(port))
    copies = "".join(line for line in copies.splitlines(keepends=True) if line.startswith("cp "))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        ("sh", "-ec", start),
        cwd=tmp_path / "store",
        env=os.environ | {"PATH": path},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    ) as shell:
        try:
            secrets = tmp_path / "store" / "credentials"
            deadline = time.monotonic() + _SECONDS
            while not (secrets / "worker" / "stepbias_redis_url").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            subprocess.run(("sh", "-ec", copies), cwd=tmp_path / "store", check=True)
            shutil.copyfile(tmp_path / "store" / "tls" / "ca.crt", secrets / "stepbias_redis_ca")
            for user in (".", "api", "worker"):
                environment = {"STEPBIAS_SECRETS_DIR": str(secrets / user), "STEPBIAS_REDIS_URL": None}
                told = CliRunner().invoke(app, ["doctor"], env=environment)
                while told.exit_code and time.monotonic() < deadline:
                    told = CliRunner().invoke(app, ["doctor"], env=environment)
                assert f"(rediss://localhost:{port}/0) answers" in told.stdout
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
