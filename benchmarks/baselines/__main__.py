"""`python -m benchmarks.baselines`: does what it is told on stdin, a JSON object a line, and answers on stdout."""

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from benchmarks.baselines.batch import Batch, Loop
from benchmarks.baselines.dgemm import dgemm
from benchmarks.baselines.elapsed import elapsed

LOOPS: Final = {
    "jax": "jax_loop",
    "jax-scan": "jax_scan",
    "jax-gather": "jax_gather",
    "jax-samples": "jax_samples",
    "torch": "torch_loop",
    "numpy": "numpy_loop",
    "numpy-gather": "numpy_gather",
    "jax-while": "jax_while",
}
"""The modules; the name of one begins with the package that it needs."""

NAIVE: Final = "jax-while"
"""What is timed for itself, with Figure 1."""
PACKAGES: Final = ("numpy", "scipy", "jax", "jaxlib", "torch", "cvxpy", "clarabel")


class Server:
    """The loops that have been prepared, by name of library."""

    def __init__(self) -> None:
        self._loops: dict[str, Loop] = {}
        self._product = dgemm()

    def answer(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Do one thing; the names are those of the methods below."""
        does: dict[str, Callable[..., dict[str, Any]]] = {
            "describe": self._describe,
            "prepare": self._prepare,
            "advance": self._advance,
            "theta": self._theta,
            "train": self._train,
            "least_sharpness": self._least_sharpness,
            "dgemm": self._dgemm,
            "forget": self._forget,
        }
        return does[do](**arguments)

    def _describe(self) -> dict[str, Any]:
        known = [name for name in PACKAGES if importlib.util.find_spec(name)]
        return {
            "libraries": [name for name in LOOPS if name.partition("-")[0] in known and name != NAIVE],
            "versions": {name: version(name) for name in known},
        }

    def _prepare(self, library: str, batch: str) -> dict[str, Any]:
        self._loops.pop(library, None)
        module = importlib.import_module(f"benchmarks.baselines.{LOOPS[library]}")
        self._loops[library] = module.prepare(Batch.load(Path(batch)))
        return {}

    def _advance(self, library: str, steps: int) -> dict[str, Any]:
        return elapsed(lambda: self._loops[library].advance(steps))._asdict()

    def _theta(self, library: str, file: str) -> dict[str, Any]:
        np.save(file, self._loops[library].theta())
        return {}

    def _dgemm(self) -> dict[str, Any]:
        return self._product()._asdict()

    def _forget(self) -> dict[str, Any]:
        self._loops.clear()
        return {}

    def _train(self, batch: str, warmup_steps: int, loss: float, seconds: float) -> dict[str, Any]:
        module = importlib.import_module("benchmarks.baselines.jax_to_loss")
        answer: dict[str, Any] = module.train(
            Batch.load(Path(batch)), warmup_steps=warmup_steps, loss=loss, seconds=seconds
        )
        return answer

    def _least_sharpness(self, file: str, gap: float) -> dict[str, Any]:
        module = importlib.import_module("benchmarks.baselines.sdp")
        answer: dict[str, Any] = module.least_sharpness(Path(file), gap)
        return answer


def serve(questions: TextIO, answers: TextIO) -> None:
    """Answer until there are no more questions. An error is an answer, too."""
    server = Server()
    for line in questions:
        try:
            answer = server.answer(**json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other process reports it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    channel, sys.stdout = sys.stdout, sys.stderr  # libraries print where they like; the channel stays clean
    serve(sys.stdin, channel)
