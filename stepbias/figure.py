"""A figure as a script and a notebook have it."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

from stepbias.errors import StepbiasError, UnusableValue

_WORDS: Final = ("panel", "series")


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

    __str__ = __repr__

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
        head, *rows = csv.reader(io.StringIO(self.csv))
        table: dict[str, list[Any]] = {
            name: [row[k] if name in _WORDS else float(row[k]) if row[k] else None for row in rows]
            for k, name in enumerate(head)
        }
        if find_spec("pandas") is None:
            return table
        from pandas import DataFrame  # noqa: PLC0415 - no part of the client

        return DataFrame(table).astype({name: float for name in table if name not in _WORDS})

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


def figure_query(
    size: str | tuple[float, float] | None,
    y_range: tuple[float | None, float | None],
    runs: int | Iterable[int],
    where: Mapping[str, float | Iterable[float]],
) -> dict[str, Any]:
    """What of a figure is asked for in lists and pairs, as the query of its address has it.

    Raises:
        UnusableValue: one of them is none.
    """
    width_height = size if size is None or isinstance(size, str) else _pair("size", size)
    followed = [runs] if isinstance(runs, int) else runs
    return {
        "size": "{:g}x{:g}".format(*width_height) if isinstance(width_height, tuple) else width_height,
        **dict(zip(("y_min", "y_max"), _pair("y_range", y_range), strict=True)),
        "runs": ",".join(map(str, followed)) or None,
        **{f"where.{axis}": _listed(axis, values) for axis, values in where.items()},
    }


def _pair(name: str, given: Iterable[Any]) -> tuple[Any, Any]:
    try:
        first, second = given
    except (TypeError, ValueError):
        raise UnusableValue(f"/{name}", f"two numbers are wanted, not {given!r}") from None
    return first, second


def _listed(axis: str, values: float | Iterable[float]) -> str:
    try:
        return ",".join(repr(float(value)) for value in ([values] if isinstance(values, int | float | str) else values))
    except (TypeError, ValueError):
        raise UnusableValue(f"/where/{axis}", f"numbers are wanted, not {values!r}") from None
