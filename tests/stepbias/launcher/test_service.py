"""The service as a whole."""

import socket
from pathlib import Path

import click
import pytest

from stepbias.launcher.checks.http_probe import local_url
from stepbias.launcher.commands.up import up

pytestmark = pytest.mark.services


def test_taken_port_is_refused_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and a way out, and no server was started for nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.exceptions.Exit) as end:
            up("127.0.0.1", port, 1, tmp_path / "state")
    assert end.value.exit_code == 1
    output, complaints = capsys.readouterr()
    assert output == ""
    assert complaints.startswith(f"stepbias: 127.0.0.1:{port} is in use")
    assert not (tmp_path / "state" / "server").exists()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("localhost", "http://localhost:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_printed_address_can_be_opened(host: str, url: str) -> None:
    """A wildcard address is somewhere to listen, not somewhere to go."""
    assert local_url(host, 8000) == url
