"""Whether experiments take as long as is predicted: specs that nothing was fitted to, carried out in this process."""

import random
import time
from typing import Any, Final

import numpy as np

from benchmarks.turns import Effort
from core.descent.kernel import one_thread
from core.experiment.run import run
from core.planning.cost import kernel_cost
from core.planning.estimate import estimate
from core.planning.problem_facts import facts_of_problems
from core.spec.experiment_spec import ExperimentSpec
from core.sweep.grid import Grid

COUNT: Final = 48
WITHIN: Final = 2.0
"""A prediction is right within this factor."""

SHAPES: Final = ((3, 4), (10, 30), (20, 60), (50, 100), (40, 200))
KINDS: Final = (
    *("gradient_descent",) * 4,
    *("heavy_ball", "nesterov", "sgd", "sgd", "sam", "sam", "label_noise", "parameter_noise"),
)
KERNELS: Final = ("auto", "auto", "auto", "auto", "auto", "numpy")


GIVEN_STARTS: Final = 0.15
"""Part of the specs whose parameters start from other sizes than their scale."""

SCHEDULED: Final = 0.15
DECAYING: Final = 0.15
FOLLOWED: Final = 0.15
"""Parts of them whose step size has a schedule, whose weights decay, and that record vectors."""


def measure_cost(effort: Effort) -> dict[str, Any]:
    """A row for each spec: processor seconds as predicted before anything is known of its data, and as they were."""
    rows = [_row(number) for number in range(COUNT // 6 if effort.quick else COUNT)]
    ratios = [row["predicted"] / row["seconds"] for row in rows]
    right = float(np.mean([1 / WITHIN <= ratio <= WITHIN for ratio in ratios]))
    print(f"{right:.0%} of {len(rows)} specs within a factor of {WITHIN:g}", flush=True)
    return {
        "rows": rows,
        "within": WITHIN,
        "right": right,
        "ratio_of_sums": _sum(rows, "predicted") / _sum(rows, "seconds"),
    }


def _sum(rows: list[dict[str, Any]], name: str) -> float:
    return float(sum(row[name] for row in rows))


def _row(number: int, seed: int = 0) -> dict[str, Any]:
    document, kernel = drawn_spec(random.Random(f"{seed} {number}"))
    spec = ExperimentSpec.model_validate(document)
    grid = Grid(spec)
    facts = facts_of_problems(grid, lambda _: None, None)
    predicted = estimate(grid, facts, kernel_cost(kernel, grid.run(0).optimizer)).predicted_seconds
    with one_thread():
        begun = time.process_time()
        found = run(spec, kernel=kernel)
        seconds = time.process_time() - begun
    steps = sum(int(summary["steps"] or 0) for summary in found.summaries)
    row = {
        "what": _words(document, kernel, grid),
        "runs": len(grid),
        "steps": steps,
        "predicted": predicted,
        "seconds": seconds,
    }
    print(f"{row['what']}: {predicted:.2f} s predicted, {seconds:.2f} s, ratio {predicted / seconds:.2f}", flush=True)
    return row


def drawn_spec(draw: random.Random) -> tuple[dict[str, Any], str]:
    """A spec of a few seconds, and a kernel to train it with."""
    samples, dimension = draw.choice(SHAPES)
    depth = draw.choice((2, 2, 2, 3, 4))
    budget = draw.choice((64, 5_000, 50_000, 200_000))
    kind, kernel = draw.choice(KINDS), draw.choice(KERNELS)
    fractions = sorted({round(draw.uniform(0.05, 0.98), 3) for _ in range(draw.choice((1, 3, 6)))})
    scales = sorted(round(10 ** draw.uniform(-2, 0), 4) for _ in range(draw.choice((1, 4, 8))))
    optimizer: dict[str, Any] = {"kind": kind, "step_size": {"fractions_of_max_stable": fractions}}
    if kernel == "numpy":
        budget = min(budget, 5_000)
    optimizer |= _own(draw, kind, samples, budget) | _schedule(draw, budget) | _decay(draw, kind)
    document: dict[str, Any] = {
        "data": _data(draw, samples, dimension),
        "model": {"kind": "diagonal", "depth": depth},
        "initialization": {"kind": "uniform", "scale": {"values": scales}},
        "optimizer": optimizer,
        "stopping": {"max_steps": budget, "finish": draw.choice(("auto", "auto", "iterate"))},
        "recording": {"points": draw.choice((0, 30, 100)), "sensitivity": draw.choice((True, False, "auto", "auto"))},
    }
    if document["recording"]["points"] and draw.random() < FOLLOWED:
        document["recording"]["vectors"] = draw.choice((["predictor"], ["time_average"], ["predictor", "time_average"]))
    if draw.random() < GIVEN_STARTS:
        sizes = {part: round(10 ** draw.uniform(-1, 0.5), 4) for part in ("u_plus", "u_minus")}
        document["initialization"] |= {"kind": "parameters"} | sizes
    return document, kernel


def _own(draw: random.Random, kind: str, samples: int, budget: int) -> dict[str, Any]:
    """What a kind of optimiser has besides."""
    match kind:
        case "gradient_descent":
            return {"warmup_steps": draw.choice((0, 1000))}
        case "heavy_ball" | "nesterov":
            return {"momentum": draw.choice((0.5, 0.9))}
        case "sgd":
            sampling = {"sampling": draw.choice(("without_replacement", "with_replacement", "epochs"))}
            rolling = {"momentum": 0.5} if draw.random() < 0.3 else {}
            return {"batch_size": draw.choice((1, max(1, samples // 4)))} | sampling | rolling
        case "sam":
            along, is_normalized = draw.choice(("full", "sample")), draw.random() < 0.3
            return {"rho": round(10 ** draw.uniform(-3, -0.5), 5), "ascent": along, "normalized": is_normalized}
        case "label_noise":
            batches = {"batch_size": max(1, samples // 4)} if draw.random() < 0.5 else {}
            return {"noise_variance": 0.01, "noise_steps": budget // 4} | batches
        case _:
            return {"variance": round(10 ** draw.uniform(-4, -2), 6), "noise_steps": budget // 4}


def _schedule(draw: random.Random, budget: int) -> dict[str, Any]:
    if draw.random() > SCHEDULED:
        return {}
    name, factor, over = draw.choice(("piecewise", "exponential", "cosine")), draw.choice((0.1, 0.5)), budget // 4
    places = {"schedule_at_steps": [over]} if name == "piecewise" else {"schedule_steps": over}
    return {"schedule": name, "schedule_factor": factor} | places


def _decay(draw: random.Random, kind: str) -> dict[str, Any]:
    if draw.random() > DECAYING or kind in {"sam", "parameter_noise"}:
        return {}
    until = {"weight_decay_until": 1000} if draw.random() < 0.3 else {}
    return {"weight_decay": round(10 ** draw.uniform(-4, -2), 6)} | until


def _data(draw: random.Random, samples: int, dimension: int) -> dict[str, Any]:
    """Drawn by the service, or one's own."""
    seed = draw.randrange(10**6)
    if draw.random() < 0.7:
        seeds = draw.choice((1, 1, 5))
        return {
            "kind": "sparse_regression",
            "samples": samples,
            "dimension": dimension,
            "sparsity": min(3, dimension),
            "seed": {"values": list(range(seed, seed + seeds))} if seeds > 1 else seed,
        }
    rng = np.random.default_rng(seed)
    X = rng.normal(1.0, 1.0, (samples, dimension)).round(6)
    return {"kind": "inline", "X": X.tolist(), "y": (X[:, 0] + 0.1 * rng.normal(size=samples)).round(6).tolist()}


def _words(document: dict[str, Any], kernel: str, grid: Grid) -> str:
    data, optimizer, recording = document["data"], document["optimizer"], document["recording"]
    rows = len(data["X"]) if data["kind"] == "inline" else data["samples"]
    columns = len(data["X"][0]) if data["kind"] == "inline" else data["dimension"]
    own = "own " if data["kind"] == "inline" else ""
    how = ", ".join(f"{name} {value}" for name, value in optimizer.items() if name not in {"kind", "step_size"})
    return (
        f"{own}{columns} × {rows}, D = {document['model']['depth']}, {optimizer['kind']}"
        f"{f' ({how})' if how else ''}, {len(grid)} runs of "
        f"{grid.problems} problem(s), {document['stopping']['max_steps']} steps at most, "
        f"{document['stopping']['finish']}, {recording['points']} points"
        f"{''.join(f', {each}' for each in recording.get('vectors', ()))}, twins {recording['sensitivity']}, {kernel}"
    )
