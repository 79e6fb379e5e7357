#!/usr/bin/env python3
"""Print what the names of the deployment's images stand for in the registry today, as lines for `.env`.

Needs Docker with buildx, and the registry. The digest is that of the index of all platforms.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

IMAGE = re.compile(r"\$\{(STEPBIAS_[A-Z]+_IMAGE):-([^@}]+)(?:@[^}]+)?\}")


def images(deployment: str) -> Iterator[tuple[str, str]]:
    """The variable of each image, and the name that holds without it, without its digest."""
    yield from IMAGE.findall(deployment)


def digest(image: str) -> str:
    """What the name stands for, as `sha256:…`.

    Raises:
        SystemExit: the registry cannot be asked.
    """
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{json .Manifest}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - an image of ours
    except OSError as error:
        sys.exit(f"docker: {error.strerror}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{image} cannot be looked up: {error.stderr.strip()}")
    return str(json.loads(done.stdout)["digest"])


def main() -> None:
    """A line for each image."""
    deployment = Path(__file__).parents[1] / "docker-compose.yml"
    for variable, image in images(deployment.read_text(encoding="utf-8")):
        sys.stdout.write(f"{variable}={image}@{digest(image)}\n")


if __name__ == "__main__":
    main()
