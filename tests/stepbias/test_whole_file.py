"""Files that are written whole or not at all."""

import os
import threading
from errno import ENOSPC, ENOTDIR
from pathlib import Path

import pytest

from stepbias.whole_file import make_directory, whole_file


def test_a_file_has_all_of_it_or_stays_as_it_was(tmp_path: Path) -> None:
    """And nothing is left beside it."""
    file = tmp_path / "a.csv"
    with whole_file(file) as part:
        part.write_bytes(b"whole")
    with pytest.raises(KeyError), whole_file(file) as part:
        part.write_bytes({"another": b"ha"}["this"])
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.csv", b"whole")]


@pytest.mark.parametrize("name", ["there.csv", "absent.csv"])
def test_a_link_stays_one(tmp_path: Path, name: str) -> None:
    """As that of /dev/stdout, which leads to a file where a shell writes into one."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "there.csv").touch()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere" / name)
    with whole_file(link) as part:
        part.write_bytes(b"whole")
    assert link.is_symlink()
    assert (tmp_path / "elsewhere" / name).read_bytes() == b"whole"


def test_a_device_stays_one_and_says_that_it_is_full() -> None:
    """By its name."""
    with pytest.raises(OSError, match="/dev/full") as caught, whole_file(Path("/dev/full")) as part:
        part.write_bytes(b"x" * 100)
    assert caught.value.errno == ENOSPC
    assert Path("/dev/full").is_char_device()


def test_a_pipe_is_sent_all_of_it(tmp_path: Path) -> None:
    """As another command reads it."""
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with whole_file(pipe) as part:
        part.write_bytes(b"all")
    reader.join(10)
    assert read == [b"all"]
    assert pipe.is_fifo()


def test_what_is_no_directory_is_said_to_be_none(tmp_path: Path) -> None:
    """And not that it exists, where something is to be written into it."""
    (tmp_path / "file").touch()
    for place in (Path("/dev/full"), tmp_path / "file"):
        with pytest.raises(NotADirectoryError) as caught:
            make_directory(place)
        assert (caught.value.errno, caught.value.filename) == (ENOTDIR, str(place))
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
