"""How the processes of the service log: every line with its time, level, logger and process."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.log_context import logged_ids

LINE_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s"
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%z"

CELERY_LOGGING: Final[dict[str, Any]] = {
    # The root logger is ours; what Celery sets up besides, for its pool and for tasks, has the same lines.
    "worker_hijack_root_logger": False,
    "worker_log_color": False,
    "worker_log_format": LINE_FORMAT,
    "worker_log_datefmt": TIME_FORMAT,
    "worker_task_log_format": LINE_FORMAT,
    "worker_task_log_datefmt": TIME_FORMAT,
}

_LOG: Final = logging.getLogger("stepbias")


class LineFormatter(logging.Formatter):
    """Repeats the head of a record on each of its lines, so that one line of a traceback tells when it was."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        head = f"{self.formatTime(record, TIME_FORMAT)} {record.levelname} {record.name}[{record.process}]: "
        return "\n".join(head + line for line in super().format(record).splitlines())


class JsonFormatter(logging.Formatter):
    """A record as one line with a JSON object: what it says, and which request, experiment or job it is about."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **logged_ids(),
        }
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False)


def log_lines(form: str = "text") -> None:
    """Log from WARNING on to stderr, warnings of libraries and the errors that end a thread or the process included.

    `form` is `text` or `json`, the setting `STEPBIAS_LOG_FORMAT`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else LineFormatter())
    handler.addFilter(_tersely)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_error
    threading.excepthook = _log_thread_error


def _tersely(record: logging.LogRecord) -> bool:
    """Every record, but of a lost pool process only Celery's sentence: the traceback is of Celery itself."""
    if record.name == "celery.worker.request" and "WorkerLostError" in record.getMessage():
        record.exc_info = record.exc_text = None
    return True


def _log_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _LOG.critical("this process ends with an error", exc_info=(kind, error, trace))


def _log_thread_error(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_type is SystemExit:
        return
    name = ended.thread.name if ended.thread else "unknown"
    _LOG.critical("thread %s ends with an error", name, exc_info=ended.exc_value)
