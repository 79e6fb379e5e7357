"""The API on this machine, if there is one: is it ready, of which version, and who reaches it."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

from stepbias.connecting import LOCAL
from stepbias.launcher.checks.reach import is_loopback
from stepbias.launcher.diagnosis.finding import Finding, doubtful, fine, wrong

_PATIENCE: Final = 3.0


def api(noted: str | None) -> Iterator[Finding]:
    """What answers at `STEPBIAS_URL`, or where the instance of the state directory has noted, or else at port 8000."""
    named = os.environ.get("STEPBIAS_URL")
    url = (named or noted or LOCAL).rstrip("/")
    try:
        status, about = _asked(f"{url}/v1/version")
        ready, document = _asked(f"{url}/readyz")
    except (OSError, HTTPException, ValueError) as error:
        if named or noted:
            where = "STEPBIAS_URL" if named else "noted by the last start"
            remedy = "Start it (stepbias up, or stepbias serve api), or correct STEPBIAS_URL."
            yield wrong("api", f"nobody answers at {url} ({where}): {type(error).__name__}", remedy)
        return
    if status == HTTPStatus.UNAUTHORIZED:
        yield fine("api", f"{url} answers, and wants a key")
    elif "numerics_version" in about:
        yield from _versions(url, str(about["version"]))
    elif named or noted:
        yield wrong("api", f"what answers at {url} is not stepbias (status {status})", "Correct STEPBIAS_URL.")
        return
    else:
        return
    if ready != HTTPStatus.OK:
        remedy = "It says itself what is missing; a service that has just started needs some seconds."
        yield wrong("api", f"{url} is not ready: {document.get('detail', ready)}", remedy)
    yield from _reach(url)


def _versions(url: str, there: str) -> Iterator[Finding]:
    here = version("stepbias")
    if there == here:
        yield fine("api", f"{url} answers, version {there}")
    else:
        remedy = "An old one beside a new one: start it again with what is installed now (docs/how-to/upgrade.md)."
        yield doubtful("api", f"{url} is stepbias {there}, and {here} is installed here", remedy)


def _reach(url: str) -> Iterator[Finding]:
    """Whether other machines reach an API of this machine that wants no key."""
    parts = urlsplit(url)
    mine = own_address()
    if mine is None or not is_loopback(parts.hostname or ""):
        return
    with suppress(OSError, HTTPException, ValueError):
        status, _ = _asked(f"http://{mine}:{parts.port or 80}/v1/experiments?limit=1")
        if status == HTTPStatus.OK:
            remedy = (
                "Whoever reaches this machine may read and delete everything: make keys (stepbias keys add OWNER) and "
            )
            remedy += "set STEPBIAS_KEYS=required, or listen at 127.0.0.1 alone."
            yield doubtful("api", f"other machines reach it at {mine}, and nobody needs a key", remedy)


def own_address() -> str | None:
    """The address by which other machines would reach this one; None where there is none."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: a datagram socket only looks the way up. The address is one that is nobody's (RFC 5737).
        probe.connect(("192.0.2.1", 9))
        found = str(probe.getsockname()[0])
        return None if is_loopback(found) else found
    return None


def _asked(url: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON object of an answer; no proxy of the environment is in the way."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with closing(kind(parts.netloc, timeout=_PATIENCE)) as connection:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = connection.getresponse()
        document = json.loads(answer.read(1_000_000))
    return answer.status, document if isinstance(document, dict) else {}
