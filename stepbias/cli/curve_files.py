"""The curves of an experiment as files: one, or one for each value of the axes beyond a plane."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from stepbias import ExperimentHandle, ProblemError
from stepbias.cli.experiment_files import NOT_OFFERED, Files

MOST: Final = 64
"""Files; with more of them a look at the results is quicker."""

Axes = Mapping[str, Sequence[Any]]


def curve_files(handle: ExperimentHandle) -> Files:
    """Those of the question that the service chooses; where it has too many axes, one for each value of some.

    These are called `curves/depth=2.json`, by the values that are fixed.
    """
    try:
        content = handle.read("curves")
    except ProblemError as problem:
        if problem.status not in NOT_OFFERED:
            raise
        return dict(_by_value(handle)) or {"curves.json": partial(handle.read, "curves")}
    return {"curves.json": lambda: content}


def _by_value(handle: ExperimentHandle) -> Iterator[tuple[str, Any]]:
    coords = handle.results()["coords"]
    axes = {name: each["data"] for name, each in coords.items() if each["dims"] == [name] and len(each["data"]) > 1}
    question, fixed = _question(axes)
    for values in itertools.islice(itertools.product(*fixed.values()), MOST):
        place = dict(zip(fixed, values, strict=True))
        name = ",".join(f"{axis}={json.dumps(value)}" for axis, value in place.items())
        yield f"curves/{name}.json", partial(_read, handle, question | {f"where.{axis}": place[axis] for axis in place})


def _read(handle: ExperimentHandle, query: Mapping[str, Any]) -> bytes:
    return handle.read("curves", **query)


def _question(axes: Axes) -> tuple[dict[str, str], Axes]:
    """What is shown of a grid, as figures do it, and the axes that are left over.

    Against the initialisation scale, or the longest axis; a line for each step size, or for each value of the next
    longest; seeds are aggregated over.
    """
    left = sorted(axes, key=lambda name: -len(axes[name]))
    over = next((name for name in left if name == "seed"), None)
    shown = [name for name in left if name != over]
    x = "init_scale" if "init_scale" in shown else shown[0]
    rest = [name for name in shown if name != x]
    series = next((name for name in rest if name.startswith("step_size")), rest[0] if rest else None)
    question = {"x": x, "series": series, "over": over}
    fixed = {name: axes[name] for name in axes if name not in question.values()}
    return {part: name for part, name in question.items() if name is not None}, fixed
