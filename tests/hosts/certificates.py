"""Certificates as docs/how-to/many-hosts.md has people make them, by its own lines, and some that are wrong."""

import re
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "many-hosts.md"

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")

# A directory as `openssl ca` wants it, which alone signs for days that are over.
_CA: Final = """
[ca]
default_ca = it
[it]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def make(directory: Path, names: str = "DNS:localhost") -> Path:
    """Type the lines of the page in a new directory, for a store of these names; the folder that they make."""
    directory.mkdir(parents=True)
    lines = next(
        block for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "ca.key" in block
    )
    _run(directory, "sh", "-ec", lines.replace("DNS:store.lab", names))
    return directory / "tls"


def expire(tls: Path) -> None:
    """Put a certificate that was valid long ago in the place of the store's."""
    (tls / "ca.cnf").write_text(_CA, encoding="ascii")
    (tls / "index.txt").touch()
    (tls / "serial").write_text("01\n", encoding="ascii")
    name = ("-subj", "/CN=store.lab", "-addext", "subjectAltName=DNS:localhost")
    _run(tls, "openssl", "req", "-new", "-key", "store.key", *name, "-out", "store.csr")
    signer = ("-config", "ca.cnf", "-cert", "ca.crt", "-keyfile", "ca.key", "-batch", "-notext")
    days = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
    _run(tls, "openssl", "ca", *signer, *days, "-in", "store.csr", "-out", "store.crt")


def server_side(tls: Path) -> ssl.SSLContext:
    """What a server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "store.crt", tls / "store.key")
    return context


def _run(directory: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
