"""The process of the baselines, as far as it goes without JAX."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.baselines.__main__ import serve
from benchmarks.baselines.numpy_loop import NumpyLoop
from benchmarks.kernel import Cell


def answers_to(*questions: dict[str, Any]) -> list[dict[str, Any]]:
    """What the server says, in this process."""
    written = io.StringIO()
    serve(io.StringIO("".join(json.dumps(question) + "\n" for question in questions)), written)
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_server_prepares_steps_and_hands_over_the_state(tmp_path: Path) -> None:
    """The state is that of the same loop in this process, to the bit; the time comes with the steps."""
    batch, file, state = Cell(dim=7, samples=3, depth=2, runs=3).batch(), tmp_path / "batch.npz", tmp_path / "theta.npy"
    batch.save(file)
    described, _, taken, _ = answers_to(
        {"do": "describe"},
        {"do": "prepare", "library": "numpy", "batch": str(file)},
        {"do": "advance", "library": "numpy", "steps": 20},
        {"do": "theta", "library": "numpy", "file": str(state)},
    )
    here = NumpyLoop(batch)
    here.advance(20)
    assert "numpy" in described["libraries"]
    assert set(taken) == {"wall", "cpu"}
    np.testing.assert_array_equal(np.load(state), here.theta())


def test_error_is_an_answer_and_the_next_question_is_answered() -> None:
    """A library that fails on one batch does not take the others down."""
    failed, described = answers_to({"do": "advance", "library": "numpy", "steps": 1}, {"do": "describe"})
    assert "KeyError" in failed["error"]
    assert "numpy" in described["versions"]
