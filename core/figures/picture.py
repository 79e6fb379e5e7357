"""A figure that is drawn, with what it says in words and in numbers."""

from dataclasses import dataclass

from matplotlib.figure import Figure

from core.figures.figure_data import Series, as_csv
from core.figures.layouts.files import FileKind
from core.figures.render import render


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """A figure with its title, the text that stands for it where it cannot be seen, and the numbers that it shows.

    It is drawn in this style, with letters so many times as large as on paper.
    """

    figure: Figure
    title: str
    alt: str
    data: tuple[Series, ...]
    style: str
    letters: float
    dpi: int | None

    def file(self, kind: str) -> bytes:
        """The bytes of a file of this kind.

        Raises:
            InvalidChoice: there is no such kind.
        """
        if kind == FileKind.TXT:
            return (self.alt + "\n").encode()
        if kind == FileKind.CSV:
            return as_csv(self.data).encode()
        return render(
            self.figure, kind, title=self.title, alt=self.alt, style=self.style, letters=self.letters, dpi=self.dpi
        )
