"""Files that are there whole or not at all: one that is cut off looks like one that is whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOTDIR
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Where to write what belongs into the file, which has it when the block ends, or stays as it was.

    A device or a pipe stays what it is, and is sent all of it at once; a link stays one, and leads to what is written.

    Raises:
        OSError: it cannot be written; the error names the file.
    """
    is_device = file.exists() and not file.is_file() and not file.is_dir()
    try:
        with _device_part(file) if is_device else _file_part(file.resolve()) as part:
            yield part
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from None


@contextmanager
def _file_part(file: Path) -> Iterator[Path]:
    part = file.with_name(f".{file.name}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _device_part(device: Path) -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        part = Path(directory) / device.name
        yield part
        with part.open("rb") as source, device.open("wb") as sink:
            shutil.copyfileobj(source, sink)


def make_directory(directory: Path) -> None:
    """Make it and those above it, where they are absent.

    Raises:
        OSError: it cannot be made, or it is something else.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(directory)) from None
