"""A service that a script finds or starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stepbias as sb
from stepbias import local_service
from stepbias.launcher.store.state_directory import claim
from stepbias.local_service import LocalClient
from stepbias.state_home import ADDRESS_FILE, address_in
from tests.stepbias.client.stub import ScriptedService, ok


def _is_over(url: str) -> bool:
    client = LocalClient(url, None)
    try:
        return not client.answers()
    finally:
        client.close()


def test_a_service_is_started_found_and_ended(tmp_path: Path) -> None:
    """By whoever comes first; the second finds the first one's, and leaves it alone; what is computed stays."""
    (tmp_path / ADDRESS_FILE).write_text("http://127.0.0.1:9")
    spec = sb.sweep(samples=3, dimension=4, sparsity=1, step_size=0.01, init_scale=0.1, steps=64)
    with sb.local(tmp_path, workers=1) as first:
        with sb.local(tmp_path) as second:
            done = second.submit(spec).wait(timeout=60)
        assert first.experiment(done.id).status == "succeeded"
        url = address_in(tmp_path)
    assert url
    assert _is_over(url)
    with sb.local(tmp_path, workers=1) as again:
        assert again.experiment(done.id).status == "succeeded"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_service_ends_with_the_script_that_started_it_however_that_ends(tmp_path: Path) -> None:
    """Killed, too."""
    start = f"client = stepbias.local({str(tmp_path)!r}, workers=1)"
    program = f"import stepbias, time; {start}; print('up', flush=True); time.sleep(99)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as script:
        assert script.stdout
        assert script.stdout.readline() == b"up\n"
        os.kill(script.pid, signal.SIGKILL)
    url = address_in(tmp_path)
    assert url
    deadline = time.monotonic() + 60
    while not _is_over(url):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_who_answers_at_the_address_of_a_service_that_has_ended_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another directory: nothing lives in this one."""
    (tmp_path / ADDRESS_FILE).write_text("http://127.0.0.1:8000")
    monkeypatch.setattr(LocalClient, "answers", lambda _: True)
    assert local_service._running(tmp_path, {}) is None
    with claim(tmp_path) as state:
        assert address_in(tmp_path) is None
        state.write_private(ADDRESS_FILE, "http://127.0.0.1:8000")
        found = local_service._running(tmp_path, {})
        assert found
        found.close()


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """What was started in place of a service: programs that never end by themselves."""
    started = []

    def start(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        assert command[:2] == [sys.executable, "-P"]
        started.append(real([sys.executable, "-c", "import time; time.sleep(99)"], **options))
        return started[0]

    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_whoever_interrupts_a_start_ends_what_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: list["subprocess.Popen[bytes]"]
) -> None:
    """At once, not when the traceback is forgotten."""

    def interrupt(*_: Any) -> None:
        if processes:
            raise KeyboardInterrupt

    monkeypatch.setattr(local_service, "_running", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sb.local(tmp_path)
    assert processes[0].returncode == -signal.SIGTERM


def test_one_that_another_program_has_just_started_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was started here has found the directory taken, and has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE)
    ended.communicate()
    pauses: list[float] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: ended)
    monkeypatch.setattr(LocalClient, "answers", lambda _: len(pauses) > 2)
    monkeypatch.setattr(local_service.time, "sleep", pauses.append)
    with claim(tmp_path) as state:
        state.write_private(ADDRESS_FILE, "http://127.0.0.1:8000")
        with sb.local(tmp_path) as found:
            assert found._started is None
    with pytest.raises(sb.ServiceUnreachable):
        sb.local(tmp_path)


def test_only_the_process_that_started_a_service_ends_it(
    monkeypatch: pytest.MonkeyPatch, processes: list["subprocess.Popen[bytes]"]
) -> None:
    """One that it forks does not; nor does it keep the service alive by what it has inherited."""
    service = subprocess.Popen([sys.executable, "-P"], stdin=subprocess.PIPE)
    assert service.stdin
    inherited = os.dup(service.stdin.fileno())
    ours, theirs = (LocalClient("http://127.0.0.1:9", service) for _ in range(2))
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        theirs.close()
    assert service.poll() is None
    ours.close()
    assert processes[0].returncode == -signal.SIGTERM
    os.close(inherited)


def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    """In its own words."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(sb.ServiceUnreachable, match="state"):
        sb.local(file / "below")


def test_what_answers_is_asked_whether_it_is_ready() -> None:
    """Something that answers otherwise is not the service."""
    scripted = ScriptedService([ok({})])
    with scripted.client() as client:
        local = LocalClient("http://stepbias.test", None, transport=client._connection._http._transport)
        assert local.answers()
    assert scripted.lines == ["GET /readyz"]
