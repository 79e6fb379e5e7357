"""`docs/performance.md` and its figure, from the numbers as they were kept."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from matplotlib.figure import Figure

from benchmarks.door import rows as rows_of_door
from benchmarks.drawing import kernel_figure
from benchmarks.kernel import OPTIMIZERS
from benchmarks.scale_report import (
    rows_of_comparison,
    rows_of_costs,
    rows_of_memory,
    rows_of_most,
    rows_of_predictions,
    scale_figure,
)
from benchmarks.timeline import AFTER, BEFORE, BEGIN, BETWEEN, COLUMNS, NOTICED_MS, STORE, TRAIN
from core.figures.render import render

Numbers = Mapping[str, Any]
NAMES: Final = {
    "jax": "JAX",
    "jax-scan": "JAX scan",
    "jax-gather": "JAX, rows",
    "jax-samples": "JAX, samples",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "numpy-gather": "NumPy, rows",
}
HEAD: Final = """# Performance

Measured by `make bench`, written by `python -m benchmarks report`; not by hand. A ratio is the median over rounds in
which both sides took turns, on one core, in float64, one thread each; a ratio above 1 says how many times longer the
other side takes. No step is timed before all sides have been shown to compute the same states.
"""


def write_report(results: Path, docs: Path) -> list[Path]:
    """Write page and figure of the numbers in `results`; what was not measured is left out."""
    numbers = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(results.glob("*.json"))}
    docs.mkdir(parents=True, exist_ok=True)
    page = docs / "performance.md"
    parts = [HEAD, *(SECTIONS[name](numbers[name]) for name in SECTIONS if name in numbers)]
    page.write_text("\n".join(parts), encoding="utf-8")
    drawn = [docs / "images" / name for name, (of, _) in FIGURES.items() if of in numbers]
    for picture in drawn:
        of, draw = FIGURES[picture.name]
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(render(draw(numbers[of]), "png"))
    return [page, *drawn]


def paragraph(text: str) -> str:
    """A paragraph of Markdown in lines of at most 120 characters."""
    return fill(text, width=120, break_long_words=False, break_on_hyphens=False) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def _origin(numbers: Numbers, *, by_cpu: bool = False) -> str:
    """The machine and the day, and by which clock."""
    machine = numbers["machine"]
    versions = numbers.get("baselines", {})
    others = "".join(f", {name} {versions[name]}" for name in ("jax", "torch", "cvxpy", "clarabel") if name in versions)
    clock = "processor seconds, on a machine that was shared" if by_cpu else "seconds on the clock"
    return paragraph(
        f"{machine['date']}; {machine['processor']}, {machine['cores']} cores ({', '.join(machine['vector_sets'])}), "
        f"{machine['system']}; Python {machine['python']}{others}; kernel `{machine['kernel']}`; {clock}."
    )


def _kernel(numbers: Numbers) -> str:
    told = paragraph(
        "Microseconds per run and step of every optimiser, whatever is drawn for a step being there already. 4·N·d "
        "operations a gradient; dgemm is NumPy's product of two 1000 × 1000 matrices on the same core, in the same "
        "rounds. JAX has the whole batch in a `fori_loop`, or one run under `vmap` and `lax.scan`. A step of SGD takes "
        "N/10 samples; others take all with weights, or gather the rows of these alone where they have at most 2²⁴ "
        "entries. A step of n-SAM has two gradients. One of 1-SAM, an ascent for each sample, is 2D + 1 products with "
        "powers of X that all have been given; JAX also goes sample by sample, where that makes at most 2²⁴ numbers."
    )
    picture = "![Time per run and step against the runs in a batch](images/performance-kernel.png)\n"
    return "\n".join(("## One step of one run\n", told, picture, *_cells(numbers)))


def _kernel_avx2(numbers: Numbers) -> str:
    told = paragraph(
        "The same with our kernel, NumPy and PyTorch held to AVX2. JAX is told to be, too, but its products go on with "
        "AVX-512: the best of the others is the best of those that are held."
    )
    return "\n".join(
        ("### With AVX2\n", told, *_cells(numbers, not_held=("jax", "jax-scan", "jax-gather", "jax-samples")))
    )


def _cells(numbers: Numbers, not_held: Sequence[str] = ()) -> tuple[str, ...]:
    rows = numbers["rows"]
    others = [name for name in NAMES if any(name in row["ratio"] for row in rows)]
    best = [min(ratio for name, ratio in row["ratio"].items() if name not in not_held) for row in rows]
    told = paragraph(
        f"{len(rows)} cells; the best of the others takes {min(best):.2f} to {max(best):.2f} times as long, "
        f"{statistics.median(best):.2f} in the median, and less than stepbias in {sum(one < 1 for one in best)}."
    )
    head = ["optimiser", "d × N", "D", "runs", "stepbias, µs", *(f"{NAMES[name]} / stepbias" for name in others)]
    head += ["best / stepbias", "GFLOP/s", "of dgemm"]
    rows_told = table(head, [_kernel_row(row, others, least) for row, least in zip(rows, best, strict=True)])
    return _origin(numbers, by_cpu=numbers["effort"]["by_cpu"]), told, rows_told


def _kernel_row(row: Numbers, others: Sequence[str], best: float) -> list[object]:
    return [
        OPTIMIZERS[row["optimizer"]],
        f"{row['dim']} × {row['samples']}",
        row["depth"],
        row["runs"],
        f"{row['microseconds']['stepbias']:.3g}",
        *(f"{row['ratio'][name]:.2f}" if name in row["ratio"] else "" for name in others),
        f"{best:.2f}",
        f"{row['gflops']:.1f}",
        f"{row['of_dgemm']:.2f}",
    ]


def _solvers(numbers: Numbers) -> str:
    found, large = numbers["least_sharpness"], numbers["large"]
    rows = [[name, f"{1e3 * taken:.1f}", _ratio(found, name)] for name, taken in found["seconds"].items()]
    told = paragraph(
        f"Least sharpness at d × N = 100 × 50, D = 2, to a relative gap of {found['gap']:.1e} that is proven; Clarabel "
        f"is asked for {found['gap_asked_of_clarabel']:.1e}, and its time is with and without CVXPY's translation."
    )
    text = "\n".join(
        (
            "## Solvers\n",
            told,
            _origin(numbers, by_cpu=numbers["effort"]["by_cpu"]),
            table(["", "ms", "times ours"], rows),
        )
    )
    if not large:
        return text
    rows = [[name, f"{taken:.2f}"] for name, taken in large["seconds"].items()]
    return f"{text}\nAt d × N = {large['dim']} × {large['samples']}:\n\n" + table(["", "seconds"], rows)


def _ratio(found: Numbers, name: str) -> str:
    return f"{found['ratio'][name]:.1f}" if name in found["ratio"] else ""


def _recording(numbers: Numbers) -> str:
    peaks = ", ".join(
        f"{(peak - numbers['peak_bytes']['0']) / 1e6:.0f} MB for {count} runs"
        for count, peak in numbers["peak_bytes"].items()
        if count != "0"
    )
    told = paragraph(
        f"{numbers['points']} records of {numbers['runs']} runs of {numbers['steps']} steps (d × N = 100 × 50): "
        f"{numbers['ratio']:.3f} × the time without recording; 5 % at {numbers['steps_for_five_per_cent']:.0f} steps "
        "and less beyond. Memory of a batch with default recording, at its peak, beyond the "
        f"{numbers['peak_bytes']['0'] / 1e6:.0f} MB of Python and its libraries: {peaks}."
    )
    return "\n".join(("## Recording and memory\n", told, _origin(numbers, by_cpu=numbers["effort"]["by_cpu"])))


def _service(numbers: Numbers) -> str:
    sweep, tenfold, planning = numbers["sweep"], numbers.get("tenfold"), numbers["planning"]
    tiny = [
        [run["runs"], f"{run['seconds']:.1f}", f"{run['ms_per_run']:.3f}", f"{run['bytes_per_run']:.0f}"]
        for run in numbers["tiny_runs"]
    ]
    told = paragraph(
        f"The grid of Figure 1, {sweep['runs']} runs of at most {sweep['max_steps']:,} steps; overhead is seconds × "
        "workers beyond what the same batches take to be trained one after the other in one process, relative to that "
        "and in core-seconds: what is not training, and that cores are slower where all of them work. Processes that "
        "train these batches side by side, without a service, are slower by the latter, too; the last column is what "
        f"the service takes beyond them. Two workers are {sweep['speedup']:.2f} × as fast as one. A run takes "
        f"{sweep['store_bytes_per_run']:.0f} bytes of store, its share of the data set's analysis included."
    )
    parts = (
        "## Service\n",
        told,
        _origin(numbers),
        _rows_of_sweep(sweep),
        *((f"The same on ten data sets, {tenfold['runs']:,} runs:\n", _rows_of_sweep(tenfold)) if tenfold else ()),
        "Runs with nearly nothing to compute (64 steps, three samples):\n",
        table(["runs", "seconds", "ms a run", "bytes of store a run"], tiny),
        f"Planning {planning['runs']} runs of a data set that is analysed already: {planning['seconds']:.2f} s.\n",
    )
    return "\n".join(parts)


def _timeline(numbers: Numbers) -> str:
    told = paragraph(
        f"One sweep of Figure 1 with two workers, {numbers['seconds']:.2f} s from the submission to the end, of a "
        "service that has been at work before, and that told what it did by its spans (`python -m benchmarks "
        f"timeline`). A column is {1e3 * numbers['seconds'] / COLUMNS:.0f} ms, and its sign what most of it went to: "
        "p planning, b the beginning of a batch (data, analysis, first states), # steps and summaries, s waiting for "
        "the store, a dot nothing."
    )
    rows = [
        [row["worker"], row["batches"], *(f"{row[what]:.0f}" for what in (TRAIN, BEGIN, STORE, BEFORE, BETWEEN, AFTER))]
        for row in numbers["rows"]
    ]
    head = ["ms of", "batches", "steps and summaries", "beginnings", "the store", "before", "between", "after"]
    plan = ", ".join(f"{step['what']} {step['ms']:.0f}" for step in numbers["plan"] if step["what"] != "plan")
    whole = [step for step in numbers["plan"] if step["what"] == "plan"]
    gaps = ", ".join(
        f"{gap['what']} {gap['ms']:.0f} at {gap['at_ms']:.0f} ({gap['worker']})" for gap in numbers["gaps"]
    )
    return "\n".join(
        (
            "### Where its time goes\n",
            told,
            _origin(numbers),
            "```text\n" + "\n".join(numbers["picture"]) + "\n```\n",
            table(head, rows),
            paragraph(
                f"The plan takes {sum(step['ms'] for step in whole):.0f} ms from {whole[0]['at_ms']:.0f} ms on: "
                f"{plan}. A core waits for more than {NOTICED_MS:.0f} ms: {gaps or 'nowhere'}."
            ),
        )
    )


def _rows_of_sweep(sweep: Numbers) -> str:
    seconds, beyond = sweep["seconds"], sweep.get("core_seconds_beyond", {})
    alone = seconds["training"]
    rows: list[list[object]] = [["training alone, one process", f"{alone:.2f}", "", "", ""]]
    rows += [
        [f"training alone, {count} processes", f"{seconds[name]:.2f}", *_beyond(int(count) * seconds[name], alone), ""]
        for count in sweep["overhead"]
        if (name := f"processes {count}") in seconds
    ]
    rows += [
        [
            f"service, {count} worker{'s' * (count != '1')}",
            f"{seconds[f'workers {count}']:.2f}",
            f"{over:+.1%}",
            f"{beyond[count]:+.2f}" if count in beyond else "",
            f"{sweep['beyond_processes'][count]:+.1%}" if "beyond_processes" in sweep else "",
        ]
        for count, over in sweep["overhead"].items()
    ]
    return table(["", "seconds", "overhead", "core-seconds", "beyond processes"], rows)


def _beyond(taken: float, alone: float) -> tuple[str, str]:
    return f"{taken / alone - 1:+.1%}", f"{taken - alone:+.2f}"


def _cost(numbers: Numbers) -> str:
    rows = [
        [row["what"], f"{row['predicted']:.2f}", f"{row['seconds']:.2f}", f"{row['predicted'] / row['seconds']:.2f}"]
        for row in numbers["rows"]
    ]
    told = paragraph(
        f"Specs that nothing was fitted to, drawn at random: {numbers['right']:.0%} of {len(rows)} are predicted "
        f"within a factor of {numbers['within']:g}, before anything is known of their data; all together at "
        f"{numbers['ratio_of_sums']:.2f} times what they take. Processor seconds, analyses included."
    )
    head = ["", "predicted", "seconds", "ratio"]
    return "\n".join(("## What is predicted\n", told, _origin(numbers, by_cpu=True), table(head, rows)))


def _figure_1(numbers: Numbers) -> str:
    cut = "more than " if numbers["jax_scan_runs_left"] else ""
    at_least = "" if numbers["slowest_converged"] else "more than "
    by_cpu = numbers["effort"]["by_cpu"]
    seconds = f"{numbers['seconds']:.1f} s" if numbers["finished"] else "not finished in the time allowed"
    # of a service there are seconds on the clock alone, which say nothing where the machine was shared
    served = "" if by_cpu else f" Through the service with {numbers['workers']} workers: {seconds}."
    told = paragraph(
        f"20 α × 10 η, loss tolerance 1e-10. On one core: {numbers['one_core_seconds']:.1f} s, curves, certificates "
        "and analysis included. In JAX, compiled scans over 4,096 steps from which runs leave that are done, on the "
        f"same core and right after it: {cut}{numbers['jax_scan_seconds']:.0f} s for {cut}"
        f"{numbers['jax_scan_lane_steps'] / 1e6:.0f} million steps of runs, {cut}**{numbers['ratio']:.1f} × as long**. "
        f"Ours step by step, without completion: {numbers['iterated_seconds']:.0f} s, to which JAX's is "
        f"{cut}{numbers['iterated_ratio']:.1f} ×.{served}"
    )
    first = paragraph(
        f"What one writes first in JAX, `jax.vmap` over a `lax.while_loop` with `jax.grad`, would take {at_least}"
        f"{numbers['jax_while_seconds']:.0f} s. That time is computed: {numbers['jax_while_microseconds']:.3f} µs per "
        f"run and step, measured on one core, × {at_least}{numbers['slowest_steps']} steps of its slowest run × 200 "
        "runs, because a vmapped while loop steps every run until the slowest has ended."
    )
    return "\n".join(("## Figure 1\n", told, first, _origin(numbers, by_cpu=by_cpu)))


def _door(numbers: Numbers) -> str:
    size, work = numbers["size"], numbers["under_work"]
    asked = paragraph(
        "Polls as fast as they are answered, by four processes on another core than API and store; then for "
        f"{work['seconds']:.0f} s, while every core trains and somebody downloads {size['downloaded']:,} runs again "
        "and again, 200 polls and 20 submissions of small experiments a second. A request counts from the moment that "
        "it was due."
    )
    table_of_all = table(["", "measured", "asked"], rows_of_door(numbers))
    return "\n".join(("## The HTTP interface\n", asked, _origin(numbers), table_of_all))


def _classroom(numbers: Numbers) -> str:
    lessons = numbers["lessons"]
    rows = [
        [
            name,
            f"{told['mean_seconds']:.1f}",
            f"{told['mean_core_seconds']:.1f}",
            f"{told['last_core_seconds']:.1f}",
            ", ".join(map(str, told["places_of_shared"])),
        ]
        for name, told in lessons.items()
    ]
    told = paragraph(
        f"{numbers['people']} people submit an experiment each at once, and half of them one more, the same: when a "
        "result is there, in the mean, and how many core-seconds workers have taken until then; and "
        f"as which of all {lessons['stepbias']['experiments']} the one that many wait for came, in each round."
    )
    head = ["", "mean, seconds", "mean, core-seconds", "last, core-seconds", "the shared one came as number"]
    return "\n".join(("## A class\n", told, _origin(numbers), table(head, rows)))


def _tracker(numbers: Numbers) -> str:
    rates, idle = numbers["rates"], numbers["idle_bytes"]
    rows = [
        [what, f"{rate['mlflow']:.0f}", f"{rate['stepbias']:.0f}", f"{numbers['ratios'][what]:.1f}"]
        for what, rate in rates.items()
    ]
    told = paragraph(
        "Answers a second to four processes at once, which do nothing but write and read bytes; of recording, runs a "
        "second, ours with their training. Idle, everything that MLflow starts takes "
        f"{idle['mlflow'] / 1e6:.0f} MB; all of ours, workers included, {idle['stepbias'] / 1e6:.0f} MB, "
        f"{idle['stepbias'] / idle['mlflow']:.2f} of it; API and store, which do what a tracking server does, "
        f"{idle['api_and_store'] / 1e6:.0f} MB if they shared nothing with the workers, "
        f"{idle['api_and_store'] / idle['mlflow']:.2f}."
    )
    head = ["", "MLflow", "stepbias", "ratio"]
    return "\n".join(("## Beside an MLflow tracking server\n", told, _origin(numbers), table(head, rows)))


def _explorer(numbers: Numbers) -> str:
    rows = [
        [
            f"{row['slider']}, stop {row['stop']}",
            f"{row['per_second']:.0f}",
            *(f"{row[name]:.1f}" for name in ("between_ms", "between_p95_ms", "script_ms", "thread_ms")),
        ]
        for row in numbers["rows"]
    ]
    told = paragraph(
        f"A slider dragged there and back in headless Chromium {numbers['browser']}, which draws without a graphics "
        f"card and shows 60 frames a second at most. Script, and all that the page's thread does, are milliseconds of "
        f"the processor in a frame, whatever else the machine does; the page is {numbers['bytes'] / 1000:.0f} kB."
    )
    head = ["", "frames a second", "ms between, median", "95 %", "ms of script", "ms of the thread"]
    return "\n".join(("## The explorer\n", told, _origin(numbers), table(head, rows)))


def _scale(numbers: Numbers) -> str:
    told = paragraph(
        f"What one server has to do for each operation, alone on it, and what a model of it foretells; "
        f"[How far one store goes](scale.md) says what follows. Microseconds are of the server's thread, the wait for "
        f"the disk not counted; each fsync costs {numbers['flush_microseconds']:.0f} of them besides waiting. Bytes "
        f"kept are memory; where an operation frees some, 0."
    )
    of_costs = ["", "round trips", "fsyncs", "commands", "µs", "bytes in", "bytes out", "bytes logged", "bytes kept"]
    compared = paragraph(
        "Real workers that sleep instead of training, all else real, on as many cores, beside the model; ratios of "
        "what was foretold to what was found: the median of the repetitions, and their span."
    )
    of_compared = ["batch", "workers", "jobs a second", "jobs, foretold / found", "µs of a run, foretold / found"]
    predicted = paragraph(
        "Foretold, with batches as the planner makes them of Figure 1, of another mean length, a disk that has the "
        "server wait for 1 ms, 0.25 ms to the server, and 100 polls of a status a second:"
    )
    of_predicted = [
        *(
            "batch",
            "workers",
            "runs a second",
            "computes",
            "with its disk",
            "claim: median, 99 %",
            "MB logged a second",
        ),
        *("hours for 10⁶ runs", "days for 10⁸"),
    ]
    most = paragraph(
        "The most workers for which the server computes no more than 70 % of the time, and that wait for it no more "
        "than a tenth of theirs longer than one alone, by how long its disk has it wait:"
    )
    memory = paragraph("Memory of runs for as long as they are kept, bytes of one and gigabytes of many:")
    return "\n".join(
        (
            "## Many workers, many runs\n",
            told,
            _origin(numbers),
            table(of_costs, rows_of_costs(numbers)),
            compared,
            table(of_compared, rows_of_comparison(numbers)),
            predicted,
            table(of_predicted, rows_of_predictions(numbers)),
            most,
            table(["batch", "0.1 ms", "1 ms", "5 ms"], rows_of_most(numbers)),
            memory,
            table(["recorded", "bytes of a run", "10⁶: GB", "10⁷: GB", "10⁸: GB"], rows_of_memory(numbers)),
        )
    )


FIGURES: Final[dict[str, tuple[str, Callable[[Numbers], Figure]]]] = {
    "performance-kernel.png": ("kernel", lambda numbers: kernel_figure(numbers["rows"])),
    "scale.png": ("scale", scale_figure),
}

SECTIONS: Final[dict[str, Callable[[Numbers], str]]] = {
    "kernel": _kernel,
    "kernel-avx2": _kernel_avx2,
    "figure1": _figure_1,
    "solvers": _solvers,
    "recording": _recording,
    "service": _service,
    "timeline": _timeline,
    "cost": _cost,
    "door": _door,
    "tracker": _tracker,
    "explorer": _explorer,
    "classroom": _classroom,
    "scale": _scale,
}
