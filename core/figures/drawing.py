"""The passes by which every figure is drawn: contents, style, blank figure, ranges, panels, labels, legend."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final, Generic, TypeVar

from matplotlib.axes import Axes
from matplotlib.text import Annotation

from core.figures.axis import set_y_range
from core.figures.caption import Caption, caption
from core.figures.figure_data import Series, in_words
from core.figures.figure_spec import FigureSpec, blank_figure, page
from core.figures.layouts.options import FigureOptions, Style
from core.figures.legend import Legend, put_legend
from core.figures.line_widths import scale_artists, scale_panel
from core.figures.picture import Picture
from core.figures.results import Results
from core.figures.style import LETTERS, MUTED, style
from core.figures.typeset import typeset_figure

Layout = TypeVar("Layout")
Panel = TypeVar("Panel")

USUAL: Final = FigureOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents(Generic[Panel]):
    """All that a figure shows and says, before any ink.

    `title` says what is drawn against what, `finding` what these results show, "" where they show nothing that can be
    said of all of them. `panels` holds what each panel shows, row by row. `y_labels` are those of the rows, in turn;
    `x_label` stands under the last row where a panel does not name its own x axis. `notes` are lines of the caption;
    `follows_runs` says that of seeds no medians are shown.
    """

    spec: FigureSpec
    title: str
    finding: str = ""
    notes: Sequence[str] = ()
    panels: Sequence[Panel]
    y_labels: Sequence[str]
    x_label: str = ""
    legend: Legend | None = None
    follows_runs: bool = False


def _no_data(_: object) -> Iterable[Series]:
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing(Generic[Layout, Panel]):
    """What one figure puts into the passes.

    `contents` is made of the results alone; `set_ranges` settles the axes that panels share, over all of them and
    before anything is drawn; `draw_panel` draws one panel of what that panel shows, and `data` says the same in
    numbers.
    """

    contents: Callable[[Results, Layout], Contents[Panel]]
    set_ranges: Callable[[Sequence[Axes], Sequence[Panel]], None]
    draw_panel: Callable[[Axes, Panel], None]
    data: Callable[[Panel], Iterable[Series]] = field(default=_no_data)

    def of(self, results: Results, layout: Layout, options: FigureOptions = USUAL) -> Picture:
        """The figure of these results."""
        with style(options.style):
            contents = self.contents(results, layout)
            data = [list(self.data(panel)) for panel in contents.panels]
            words = _words(results, contents, _cut(contents, data, options))
        letters, beside = LETTERS[Style(options.style)], contents.legend.height if contents.legend else 0.0
        sheet = page(contents.spec, words, letters=letters, size=options.size, least_beside=beside)
        with style(options.style, sheet.letters):
            figure, panels = blank_figure(sheet, words)
            self.set_ranges(panels, contents.panels)
            _set_y(panels, contents, options)
            for panel, shown in zip(panels, contents.panels, strict=True):
                self.draw_panel(panel, shown)
            _label(panels, contents)
            self._say_what_is_empty(panels, data, results)
            for panel in panels:
                scale_panel(panel, sheet.letters)
            if contents.legend is not None and not self._is_empty(data):
                scale_artists(contents.legend.handles, sheet.letters)
                put_legend(figure, panels, contents.legend)
            typeset_figure(figure)
        every = tuple(series for panel in data for series in panel)
        return Picture(
            figure=figure,
            title=words.title,
            alt=_alt(words, contents, every),
            data=every,
            style=options.style,
            letters=sheet.letters,
            dpi=options.dpi,
        )

    def _is_empty(self, data: Sequence[Sequence[Series]]) -> bool:
        return self.data is not _no_data and not any(map(_has_results, data))

    def _say_what_is_empty(self, panels: Sequence[Axes], data: Sequence[Sequence[Series]], results: Results) -> None:
        """A sentence in place of each panel that shows nothing."""
        if self.data is _no_data:
            return
        for panel, shown in zip(panels, data, strict=True):
            if panel.axison and not _has_results(shown):
                _say_why(panel, "no run is stored yet" if results.runs_done == 0 else "no stored run has a value here")


def _words(results: Results, contents: Contents[Panel], cut: str) -> Caption:
    """The caption; where there is a finding, it is the title, and what is drawn stands below it."""
    notes = [*contents.notes, *([cut] if cut else [])]
    title, subject = (contents.finding, contents.title) if contents.finding else (contents.title, "")
    return caption(results, title, notes, subject=subject, follows_runs=contents.follows_runs)


def _cut(contents: Contents[Panel], data: Sequence[Sequence[Series]], options: FigureOptions) -> str:
    """How many points of runs the ends of y that are asked for leave out; "" where they leave out none."""
    low = -math.inf if options.y_min is None else options.y_min
    high = math.inf if options.y_max is None else options.y_max
    every = [one for number, panel in enumerate(data) if _has_first_label(number, contents) for one in panel]
    heights = [one.y[one.there] for one in every if one.is_result and not one.is_strip]
    outside = sum(int(((y < low) | (y > high)).sum()) for y in heights)
    return f"{outside} of {sum(map(len, heights))} points lie beyond the ends of the y axis" if outside else ""


def _has_results(shown: Sequence[Series]) -> bool:
    return any(series.is_result and series.there.size for series in shown)


def _say_why(panel: Axes, sentence: str) -> None:
    names = [text for text in panel.texts if not isinstance(text, Annotation)]  # annotations stand beside the panel
    for artist in [*panel.lines, *panel.collections, *panel.patches, *panel.artists, *names]:
        artist.remove()
    panel.grid(visible=False)
    panel.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
    panel.text(0.5, 0.5, sentence, color=MUTED, ha="center", va="center", transform=panel.transAxes)


def _set_y(panels: Sequence[Axes], contents: Contents[Panel], options: FigureOptions) -> None:
    """The ends of the y axis that are asked for, in the rows of the first label."""
    if options.y_min is None and options.y_max is None:
        return
    for number, panel in enumerate(panels):
        if _has_first_label(number, contents):
            set_y_range(panel, options.y_min, options.y_max)


def _has_first_label(number: int, contents: Contents[Panel]) -> bool:
    """Whether the panel of this number stands in a row of the first y label."""
    columns = contents.spec.columns
    return number % (len(contents.y_labels) * columns) < columns


def _label(panels: Sequence[Axes], contents: Contents[Panel]) -> None:
    """The y axis at the left of each row, and the x axis of the last panel of each column."""
    columns = contents.spec.columns
    for panel, label in zip(panels[::columns], cycle(contents.y_labels), strict=False):
        panel.set_ylabel(label)
    if contents.x_label:
        for panel in panels[-columns:]:
            panel.set_xlabel(contents.x_label)


def _alt(words: Caption, contents: Contents[Panel], data: Sequence[Series]) -> str:
    """The figure in words: what the caption says, what is drawn against what, and each line with its numbers."""
    axes = f"y: {'; '.join(contents.y_labels)}." + (f" x: {contents.x_label}." if contents.x_label else "")
    caption_text = [f"{line}." for line in (words.title, *words.lines) if line]
    name = [f"Experiment: {words.full_name}."] if words.full_name else []
    return "\n".join([*caption_text, *name, axes, *in_words(data)])
