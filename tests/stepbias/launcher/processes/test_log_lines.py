"""The lines of the logs: each tells when, how bad, and who."""

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from stepbias.launcher.application import service_directory

HEAD = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}) (WARNING|ERROR|CRITICAL) ([\w.]+)\[(\d+)\]: (.*)")

PREPARED = """
import logging, os, sys, threading, warnings
print(os.getpid(), flush=True)
from stepbias.launcher.processes.log_lines import log_lines
log_lines()
"""


def _lines(program: str) -> list[tuple[str, str, str]]:
    """Level, logger and text of each line that the program writes to stderr; all begin as they should."""
    command = [sys.executable, "-c", PREPARED + program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=service_directory())
    found = [HEAD.fullmatch(line) for line in done.stderr.splitlines()]
    assert found
    assert all(found), done.stderr
    assert {match[4] for match in found if match} == {done.stdout.strip()}
    return [(match[2], match[3], match[5]) for match in found if match]


def test_every_line_of_a_record_tells_when_and_who() -> None:
    """Those of its traceback too; what is less than a warning is not written."""
    lines = _lines("""
log = logging.getLogger("a.b")
log.info("nothing")
log.warning("one\\ntwo")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("three")
""")
    assert {(level, name) for level, name, _ in lines} == {("WARNING", "a.b"), ("ERROR", "a.b")}
    texts = [text for *_, text in lines]
    assert texts[:4] == ["one", "two", "three", "Traceback (most recent call last):"]
    assert texts[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("program", "logger", "text"),
    [
        ("warnings.warn('mind')", "py.warnings", "UserWarning: mind"),
        ("raise SystemError('the end')", "stepbias", "SystemError: the end"),
        ("t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()", "stepbias", "ZeroDivisionError: division"),
    ],
)
def test_what_nobody_logs_is_logged(program: str, logger: str, text: str) -> None:
    """Warnings, and errors that end a thread or the process."""
    lines = _lines(program)
    assert {name for _, name, _ in lines} == {logger}
    assert any(text in line for *_, line in lines)


def test_uvicorn_and_celery_write_such_lines() -> None:
    """Set up as the processes of the service set them up: what they complain about has the same form, once."""
    lines = _lines("""
import uvicorn
from celery import Celery
from celery.utils.log import get_task_logger
from billiard.util import get_logger
from stepbias.launcher.processes.log_lines import CELERY_LOGGING
uvicorn.Config("nothing:app", log_config=None, log_level="warning")
app = Celery("lines", set_as_current=False)
app.conf.update(CELERY_LOGGING)
app.log.setup("WARNING")
logging.getLogger("uvicorn.error").error("of uvicorn")
logging.getLogger("celery.worker").error("of celery\\nand more")
get_task_logger("task").error("of a task")
get_logger().error("of the pool")
""")
    assert [text for *_, text in lines] == ["of uvicorn", "of celery", "and more", "of a task", "of the pool"]


def test_of_a_lost_process_there_is_a_sentence_and_no_traceback() -> None:
    """The traceback is of Celery's own lines."""
    lines = _lines("""
class WorkerLostError(Exception): pass
for name in ("celery.worker.request", "other"):
    try:
        raise WorkerLostError("signal 9")
    except WorkerLostError as error:
        logging.getLogger(name).error("raised error: %r", error, exc_info=True)
""")
    assert lines[0] == ("ERROR", "celery.worker.request", "raised error: WorkerLostError('signal 9')")
    assert {name for _, name, _ in lines[1:]} == {"other"}
    assert len(lines) > 3


def test_a_record_may_be_a_json_object() -> None:
    """With what it is about, and its traceback inside: one line each, whatever they say."""
    program = """
import logging
from stepbias.launcher.processes.log_lines import log_lines
from jobs.log_context import logging_of
log_lines("json")
log = logging.getLogger("a.b")
log.warning("one\\n%s", "two ä")
with logging_of(experiment_id="e", job_id="e.1"):
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("three")
log.error("four")
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=service_directory())
    first, second, third = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("WARNING", "a.b", "one\ntwo ä")
    assert datetime.fromisoformat(first["time"]).utcoffset() == timedelta(0)
    assert (second["experiment_id"], second["job_id"]) == ("e", "e.1")
    assert second["exception"].endswith("ZeroDivisionError: division by zero")
    assert third.keys() == {"time", "level", "logger", "process", "message"}
