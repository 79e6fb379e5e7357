"""A figure as a script and a notebook have it."""

import csv
import io
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from stepbias.errors import StepbiasError


class Figure(bytes):
    """The bytes of a png, svg or pdf file, which show themselves in a notebook.

    Attributes:
        name: of the figure, such as `risk`.
        format: `png`, `svg` or `pdf`.
    """

    name: str
    format: str
    _read: Callable[[str], bytes] | None
    _kept: dict[str, str]

    def __new__(
        cls,
        content: bytes,
        *,
        name: str,
        format: str,  # noqa: A002 - the word for it everywhere else
        read: Callable[[str], bytes] | None = None,
        kept: dict[str, str] | None = None,
    ) -> Self:
        """A figure of this name, in this format; `read` gives it in another, `kept` are those read."""
        figure = super().__new__(cls, content)
        figure.name, figure.format, figure._read, figure._kept = name, format, read, dict(kept or {})
        return figure

    def __getnewargs_ex__(self) -> tuple[tuple[bytes], dict[str, Any]]:
        """For copies, and for other processes, which have of words and numbers what was read before."""
        return (bytes(self),), {"name": self.name, "format": self.format, "kept": self._kept}

    def __getstate__(self) -> None:
        """All there is stands in `__getnewargs_ex__`."""

    def __repr__(self) -> str:
        return f"<figure {self.name}, {self.format}, {len(self)} bytes>"

    @property
    def alt(self) -> str:
        """The words that stand for it where it cannot be seen, with its numbers.

        Raises:
            StepbiasError: it was copied before they were read, or they are not to be had.
        """
        return self._other("txt").rstrip("\n")

    @property
    def csv(self) -> str:
        """The numbers of every line and point, as the service sends them.

        Raises:
            StepbiasError: it was copied before they were read, or they are not to be had.
        """
        return self._other("csv")

    @property
    def data(self) -> Any:
        """The same as a pandas.DataFrame; without pandas a dict of the columns, None for a number that is not there.

        Raises:
            StepbiasError: it was copied before they were read, or they are not to be had.
        """
        if find_spec("pandas") is not None:
            from pandas import read_csv  # noqa: PLC0415 - no part of the client

            return read_csv(io.StringIO(self.csv))
        head, *rows = csv.reader(io.StringIO(self.csv))
        words = {"panel", "series"}
        return {
            name: [row[k] if name in words else float(row[k]) if row[k] else None for row in rows]
            for k, name in enumerate(head)
        }

    def save(self, path: str | Path) -> Path:
        """Write the file, to this path or, if it is that of a directory, into it as NAME.FORMAT; returns its path."""
        file = Path(path)
        if file.is_dir():
            file /= f"{self.name}.{self.format}"
        file.write_bytes(self)
        return file

    def _other(self, form: str) -> str:
        if form not in self._kept:
            if self._read is None:
                raise StepbiasError(f"the {form} of this figure was not read; ask the experiment for the figure again")
            self._kept[form] = self._read(form).decode()
        return self._kept[form]

    def _repr_png_(self) -> bytes | None:
        return bytes(self) if self.format == "png" else None

    def _repr_svg_(self) -> str | None:
        return self.decode() if self.format == "svg" else None


def size_text(size: str | tuple[float, float] | None) -> str | None:
    """A size as a query has it: 6x4."""
    return size if size is None or isinstance(size, str) else f"{size[0]:g}x{size[1]:g}"
