"""The section and the figure of what one store is foretold to carry, from the numbers as they were kept."""

from collections.abc import Mapping
from statistics import median
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.figures.style import BLUE, GREEN, MUTED, VERMILION, ordered_colours, style

Numbers = Mapping[str, Any]
Rows = list[tuple[str, ...]]

BUSY: Final = 0.7
MARKERS: Final = "osD^v"
DISKS: Final = {0.1e-3: (GREEN, "o"), 1e-3: (BLUE, "s"), 5e-3: (VERMILION, "^")}


def scale_figure(numbers: Numbers) -> Figure:
    """How busy the server is with ever more workers; and how many it has time for, with ever longer batches."""
    with style():
        figure = Figure(figsize=(9.4, 3.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        _draw_utilisation(left, numbers)
        _draw_most(right, numbers)
    return figure


def _draw_utilisation(axes: Axes, numbers: Numbers) -> None:
    lengths = sorted({each["mean_seconds"] for each in numbers["predicted"]})
    for length, marker, colour in zip(lengths, MARKERS, ordered_colours(len(lengths)), strict=True):
        here = [each for each in numbers["predicted"] if each["mean_seconds"] == length]
        shares = [100 * each["computing"] for each in here]
        axes.plot([each["workers"] for each in here], shares, marker=marker, color=colour, label=f"{length:g} s")
    axes.axhline(100 * BUSY, color=MUTED, linestyle=(0, (5, 2)), linewidth=1.0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(0.05, 150)
    axes.set_xlabel("workers")
    axes.set_ylabel("time in which the server computes (%)")
    axes.legend(title="mean length of a batch", loc="lower right")


def _draw_most(axes: Axes, numbers: Numbers) -> None:
    for wait, (colour, marker) in DISKS.items():
        here = [each for each in numbers["most_workers"] if each["disk_seconds"] == wait]
        lengths, most = [each["mean_seconds"] for each in here], [each["workers"] for each in here]
        axes.plot(lengths, most, color=colour, marker=marker, label=f"{1e3 * wait:g} ms")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("mean length of a batch (s)")
    axes.set_ylabel("most workers of one store")
    axes.legend(title="wait for the disk", loc="lower right")


def rows_of_costs(numbers: Numbers) -> Rows:
    """By operation: round trips, fsyncs, commands, microseconds, bytes."""
    return [
        (
            name,
            f"{cost['calls']:g}",
            f"{cost['writes']:g}",
            f"{cost['commands']:,.0f}",
            f"{cost['cpu']:,.0f}",
            *(f"{cost[part]:,.0f}" for part in ("bytes_in", "bytes_out", "bytes_logged")),
            f"{max(cost['bytes_kept'], 0.0):,.0f}",
        )
        for name, cost in numbers["operations"].items()
    ]


def rows_of_comparison(numbers: Numbers) -> Rows:
    """By load: what was reached, and how much of it was foretold, with the repetitions."""
    found: dict[tuple[float, int], list[Mapping[str, float]]] = {}
    for each in numbers["compared"]:
        found.setdefault((each["batch_seconds"], each["workers"]), []).append(each)
    return [
        (
            f"{length:g} s",
            str(workers),
            f"{median(each['jobs'] for each in here):,.0f}",
            *(_band(here, part) for part in ("jobs", "server_microseconds")),
        )
        for (length, workers), here in found.items()
    ]


def _band(repetitions: list[Mapping[str, float]], part: str) -> str:
    ratios = [each[f"{part}_foretold"] / each[part] for each in repetitions]
    return f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def rows_of_predictions(numbers: Numbers) -> Rows:
    """By length and workers: runs a second, utilisation, waits, the file, and the days of 10⁸ runs."""
    return [
        (
            f"{each['mean_seconds']:g} s",
            f"{each['workers']:,}",
            _short(each["runs"]),
            f"{_short(100 * each['computing'])} %",
            f"{_short(100 * min(each['utilisation'], 1.0))} %",
            f"{1e3 * each['claim_median']:.1f}, {1e3 * each['claim_99']:.1f} ms",
            _short(each["logged"] / 1e6),
            _short(1e6 / each["runs"] / 3600),
            _short(1e8 / each["runs"] / 86_400),
        )
        for each in numbers["predicted"]
    ]


def rows_of_most(numbers: Numbers) -> Rows:
    """By length of a batch: the most workers, for each disk."""
    lengths = sorted({each["mean_seconds"] for each in numbers["most_workers"]})
    most = {(each["mean_seconds"], each["disk_seconds"]): each["workers"] for each in numbers["most_workers"]}
    return [(f"{length:g} s", *(f"{_rounded(most[length, wait]):,}" for wait in DISKS)) for length in lengths]


def _short(number: float) -> str:
    """To two digits or whole, as nobody knows it better."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _rounded(number: float) -> int:
    """To two digits: no more is known."""
    return int(float(f"{number:.2g}"))


def rows_of_memory(numbers: Numbers) -> Rows:
    """By what is recorded: bytes of a run, and gigabytes of many."""
    return [
        (what, f"{each['kept']:,.0f}", *(f"{each['kept'] * runs / 1e9:,.3g}" for runs in (1e6, 1e7, 1e8)))
        for what, each in numbers["left"].items()
    ]
