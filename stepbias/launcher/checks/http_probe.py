"""The readiness of something that answers HTTP on this machine."""

from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from stepbias.launcher.processes.managed import Probe


def local_url(host: str, port: int) -> str:
    """Where this machine reaches a server that listens at the host; "all addresses" is no destination."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - recognised, not bound
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def answers(url: str) -> Probe:
    """The probe that asks for 200 at an address of this machine; no proxy of the environment is in the way."""
    where = urlsplit(url)

    def missing() -> str | None:
        try:
            with closing(HTTPConnection(where.netloc, timeout=2.0)) as connection:
                connection.request("GET", where.path)
                response = connection.getresponse()
                text = response.read(500).decode(errors="replace")
        except (OSError, HTTPException) as error:
            return f"GET {url} gets no answer ({type(error).__name__})"
        if response.status != HTTPStatus.OK:
            return f"GET {url} answers {response.status}: {text}"
        return None

    return missing
