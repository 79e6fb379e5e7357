"""The whole Figure 1, against what somebody who knows JAX would write for it, and against what one writes first."""

import os
import statistics
from typing import Any, Final

import numpy as np

from benchmarks.baseline_process import BaselineProcess
from benchmarks.baselines.batch import Batch
from benchmarks.baselines.elapsed import Elapsed, elapsed
from benchmarks.data import paper_data
from benchmarks.kernel import steps_of
from benchmarks.living_service import LivingService, living_service
from benchmarks.ours import OurLoop
from benchmarks.sweeps import FIGURE_1
from benchmarks.turns import Effort, one_core
from core.descent.kernel import one_thread
from core.experiment.run import run
from core.interpolators.flattest import flattest_interpolator
from core.networks.network import Diagonal
from core.spec.experiment_spec import Finish
from core.stability.max_stable_step import max_stable_step
from core.sweep.grid import Grid
from stepbias import WaitTimeout

PATIENCE: Final = 240.0
"""Seconds that the service is given, and JAX of the processor; ten times less where it is to be quick."""

STRETCH: Final = 8192
ITERATED: Final = FIGURE_1.model_copy(
    update={"stopping": FIGURE_1.stopping.model_copy(update={"finish": Finish.ITERATE})}
)
"""The same without completion: every run is stepped to its tolerance, as by JAX."""

SLOWEST_SECONDS: Final = 60.0
"""Seconds for which the slowest run is followed; if they do not suffice, its steps are known to be more."""


def measure_figure_1(effort: Effort) -> dict[str, Any]:
    """Seconds of ours, seconds of theirs, and what those of the while loop are made of."""
    patience = PATIENCE / (10 if effort.quick else 1)
    with one_core(), one_thread():
        batch = _whole_grid()
        with BaselineProcess() as baselines:
            on_one_core = _on_one_core(baselines, batch, effort, patience)
            rate, versions = _rate(baselines, batch, effort), baselines.ask("describe")["versions"]
        steps, reached = _steps_of_slowest(batch, effort)
    with living_service(os.cpu_count() or 1) as service:
        ours = _serve(service, patience)
    result = {
        **ours,
        **on_one_core,
        "workers": os.cpu_count() or 1,
        "jax_while_microseconds": 1e6 * rate,
        "slowest_steps": steps,
        "slowest_converged": reached,
        "jax_while_seconds": rate * steps * len(batch.step_sizes),
        "baselines": versions,
        "note": "of the while loop computed: rate per lane and step on one core × steps of the slowest run × lanes, "
        "because a vmapped while loop steps every run until the slowest has ended",
    }
    print(_sentence(result), flush=True)
    return result


def _on_one_core(baselines: BaselineProcess, batch: Batch, effort: Effort, patience: float) -> dict[str, Any]:
    """Seconds of ours, of JAX's scan, of ours again, and of ours step by step, all on one core, with their ratios.

    These are from below if the scan was cut.
    """
    before = effort.of(elapsed(lambda: run(FIGURE_1)))
    scan = baselines.train(batch, warmup_steps=_warmup_steps(), loss=_tolerance(batch), seconds=patience)
    ours = [before, effort.of(elapsed(lambda: run(FIGURE_1)))]
    iterated = effort.of(elapsed(lambda: run(ITERATED)))
    theirs = effort.of(Elapsed(wall=scan["wall"], cpu=scan["cpu"]))
    return {
        "one_core_rounds": ours,
        "one_core_seconds": statistics.mean(ours),
        "jax_scan_seconds": theirs,
        "jax_scan_lane_steps": scan["lane_steps"],
        "jax_scan_runs_left": scan["runs_left"],
        "ratio": theirs / statistics.mean(ours),
        "iterated_seconds": iterated,
        "iterated_ratio": theirs / iterated,
    }


def _warmup_steps() -> int:
    grid = Grid(FIGURE_1)
    (steps,) = {grid.run(index).warmup_steps for index in range(len(grid))}
    return steps


def _tolerance(batch: Batch) -> float:
    """The loss of a run that is done."""
    return FIGURE_1.stopping.loss_tolerance * float(batch.y @ batch.y) / (2 * len(batch.y))


def _whole_grid() -> Batch:
    """All runs of the figure as one batch, the slowest one first: the least α at the least η."""
    data = paper_data(samples=50, dim=100)
    grid = Grid(FIGURE_1)
    runs = [grid.run(index) for index in range(len(grid))]
    largest = max_stable_step(flattest_interpolator(data.X, data.y, Diagonal(2)).sharpness_upper)
    ordered = sorted(runs, key=lambda run: (run.init_scale, run.resolved_step_size(largest)))
    scales = np.array([run.init_scale for run in ordered])
    return Batch(
        X=data.X,
        y=data.y,
        depth=2,
        theta=np.broadcast_to(scales[:, None], (2, len(scales), 100)).copy(),
        step_sizes=np.array([run.resolved_step_size(largest) for run in ordered]),
    )


def _rate(baselines: BaselineProcess, batch: Batch, effort: Effort) -> float:
    """Seconds of the while loop per run and step.

    Half the steps of the figure: without its warm-up the largest would not be stable from the largest scales.
    """
    calm = Batch(X=batch.X, y=batch.y, depth=2, theta=0 * batch.theta + 0.01, step_sizes=batch.step_sizes / 2)
    loop = baselines.prepare("jax-while", calm)
    loop.elapsed(2)
    steps = steps_of(loop, effort)
    taken = [effort.of(loop.elapsed(steps)) for _ in range(effort.rounds)]
    return statistics.median(taken) / steps / len(batch.step_sizes)


def _steps_of_slowest(batch: Batch, effort: Effort) -> tuple[int, bool]:
    """Steps of the run with the least α and the least η to the tolerance, without warm-up; or of those, how many fit.

    Whether the tolerance was reached comes with them: where it was not, the steps are a lower bound.
    """
    slowest = Batch(X=batch.X, y=batch.y, depth=2, theta=batch.theta[:, :1], step_sizes=batch.step_sizes[:1])
    tolerance = _tolerance(batch)
    loop, left, steps = OurLoop(slowest), SLOWEST_SECONDS / (10 if effort.quick else 1), 0
    while left > 0:
        left -= loop.elapsed(STRETCH).wall
        steps += STRETCH
        if loop.losses()[0] <= tolerance:
            return steps, True
    return steps, False


def _serve(service: LivingService, patience: float) -> dict[str, Any]:
    """Seconds of the whole figure; of a service that does not finish it in time, how far it came."""
    try:
        handle, seconds = service.run(FIGURE_1, timeout=patience)
    except WaitTimeout as error:
        return {"finished": False, "seconds": None, "why": str(error)}
    return {"finished": True, "seconds": seconds, "outcomes": dict(handle.experiment.outcomes)}


def _sentence(result: dict[str, Any]) -> str:
    bound = "" if result["slowest_converged"] else "more than "
    cut = "more than " if result["jax_scan_runs_left"] else ""
    served = f"{result['seconds']:.1f} s" if result["finished"] else f"not finished ({result['why']})"
    return (
        f"Figure 1 on one core: {result['one_core_seconds']:.1f} s; JAX's scan, which runs leave, {cut}"
        f"{result['jax_scan_seconds']:.0f} s, {cut}{result['ratio']:.1f} × as long, and {cut}"
        f"{result['iterated_ratio']:.1f} × as ours without completion, {result['iterated_seconds']:.1f} s; "
        f"its while loop {bound}"
        f"{result['jax_while_seconds']:.0f} s ({result['jax_while_microseconds']:.3f} µs × {bound}"
        f"{result['slowest_steps']} steps of its slowest run × all runs, computed). Through the service on "
        f"{result['workers']} cores: {served}"
    )
