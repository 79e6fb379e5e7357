"""What the images are pinned by."""

import os
import subprocess
import sys
from pathlib import Path

from tests.compose.deployment import ROOT

DOCKER = """#!/bin/sh
[ "$1 $2 $3 $5" = "buildx imagetools inspect --format" ] || exit 9
case $4 in redis:*) echo "no such host" >&2; exit 1;; esac
echo '{"digest": "sha256:'$(printf '%s' "$4" | tr -c 'a-f0-9' '0')'"}'
"""


def test_the_registry_is_asked_for_every_image_and_a_refusal_is_told(tmp_path: Path) -> None:
    """By the name that is in the deployment, without its digest; lines are those of `.env`."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER, encoding="ascii")
    docker.chmod(0o755)
    command = [sys.executable, "-m", "deploy.pin_images"]
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("STEPBIAS_PYTHON_IMAGE=python:3.11.16-slim-bookworm@sha256:")
    assert done.stdout.count("\n") == 1
    assert done.stderr == "redis:7.4.11 cannot be looked up: no such host\n"
    assert done.returncode == 1
    docker.write_text(DOCKER.replace("redis:*", "none:*"), encoding="ascii")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    names = [line.partition("=")[0] for line in done.stdout.splitlines()]
    assert names == [f"STEPBIAS_{name}_IMAGE" for name in ("PYTHON", "REDIS", "PROMETHEUS", "GRAFANA")]
