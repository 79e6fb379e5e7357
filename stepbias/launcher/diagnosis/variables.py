"""Variables that look like settings and are read by nothing, in the environment and in the file that compose reads."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from stepbias.launcher.diagnosis.finding import Finding, doubtful
from stepbias.variables import unread

_NAME: Final = re.compile(r"^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=", re.ASCII | re.MULTILINE)


def variables() -> Iterator[Finding]:
    """Of each that is set here, or in a file `.env` of this directory where compose would read it."""
    yield from _told(os.environ, "here")
    # Compose says nothing of a variable in it that it has no use for, and no container ever sees that.
    if Path("docker-compose.yml").is_file() and Path(".env").is_file():
        try:
            text = Path(".env").read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            yield doubtful("settings", f".env in {Path.cwd()} cannot be read ({error.strerror})", "chmod u+r .env")
            return
        yield from _told(_NAME.findall(text), f"in {Path.cwd() / '.env'}")


def _told(names: Iterable[str], place: str) -> Iterator[Finding]:
    for sentence in unread(names):
        yield doubtful("settings", f"{place}, {sentence}", "Correct its name, or leave it if it is another tool's.")
