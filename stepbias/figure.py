"""A figure as a script and a notebook have it."""

from pathlib import Path
from typing import Self


class Figure(bytes):
    """The bytes of a png, svg or pdf file, which show themselves in a notebook.

    Attributes:
        name: of the figure, such as `risk`.
        format: `png`, `svg` or `pdf`.
    """

    name: str
    format: str

    def __new__(cls, content: bytes, *, name: str, format: str) -> Self:  # noqa: A002 - the word for it everywhere else
        """A figure of this name, in this format."""
        figure = super().__new__(cls, content)
        figure.name, figure.format = name, format
        return figure

    def __getnewargs_ex__(self) -> tuple[tuple[bytes], dict[str, str]]:
        """For copies, and for other processes."""
        return (bytes(self),), {"name": self.name, "format": self.format}

    def __repr__(self) -> str:
        return f"<figure {self.name}, {self.format}, {len(self)} bytes>"

    def save(self, path: str | Path) -> Path:
        """Write the file, to this path or, if it is that of a directory, into it as NAME.FORMAT; returns its path."""
        file = Path(path)
        if file.is_dir():
            file /= f"{self.name}.{self.format}"
        file.write_bytes(self)
        return file

    def _repr_png_(self) -> bytes | None:
        return bytes(self) if self.format == "png" else None

    def _repr_svg_(self) -> str | None:
        return self.decode() if self.format == "svg" else None
