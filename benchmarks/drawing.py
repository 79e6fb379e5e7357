"""The figure of the kernel table: microseconds per run and step against the runs of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from core.figures.style import BLUE, GREEN, MUTED, VERMILION, style

Row = Mapping[str, Any]

LINES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "stepbias": ("stepbias", {"color": BLUE, "marker": "o", "linewidth": 2.2, "zorder": 3}),
    "jax": ("JAX", {"color": VERMILION, "marker": "s"}),
    "torch": ("PyTorch", {"color": GREEN, "marker": "^"}),
    "numpy": ("NumPy", {"color": MUTED, "marker": "D", "linestyle": (0, (5, 2))}),
}
"""Colour and marker, so that grey paper tells them apart, too."""


def kernel_figure(rows: Sequence[Row]) -> Figure:
    """A column of panels for each size, a row of them for each depth; gradient descent alone."""
    rows = [row for row in rows if row["optimizer"] == "gradient_descent"]
    sizes = list(dict.fromkeys((row["dim"], row["samples"]) for row in rows))
    depths = list(dict.fromkeys(row["depth"] for row in rows))
    counts = sorted({row["runs"] for row in rows})
    with style():
        figure = Figure(figsize=(3.1 * len(sizes) + 0.6, 2.5 * len(depths) + 0.7), layout="constrained")
        panels = figure.subplots(len(depths), len(sizes), squeeze=False, sharex=True, sharey="col")
        for line, depth in zip(panels, depths, strict=True):
            for axes, (dim, samples) in zip(line, sizes, strict=True):
                here = [row for row in rows if (row["dim"], row["samples"], row["depth"]) == (dim, samples, depth)]
                _draw(axes, here)
                axes.set_title(f"d × N = {dim} × {samples}, depth D = {depth}", fontsize=9)
        for axes in panels[-1]:
            axes.set_xlabel("runs in a batch")
            axes.set_xticks(counts, [str(count) for count in counts])
        for axes in panels[:, 0]:
            axes.set_ylabel("time per run and step (µs)")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    runs = [row["runs"] for row in rows]
    for name, (label, look) in LINES.items():
        if rows and all(name in row["microseconds"] for row in rows):
            axes.plot(runs, [row["microseconds"][name] for row in rows], label=label, **look)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
