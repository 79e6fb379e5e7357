"""The process that runs the baselines, from this side."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from benchmarks.baselines.batch import Batch
from benchmarks.baselines.elapsed import Elapsed

ROOT: Final = Path(__file__).parent.parent
PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"

ONE_THREAD: Final = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


CHOSEN_ELSEWHERE: Final = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""What somebody may have set for this machine: the libraries are to choose for themselves."""

INSTRUCTION_SETS: Final = {
    "avx2": {
        "XLA_FLAGS": f"{ONE_THREAD['XLA_FLAGS']} --xla_cpu_max_isa=AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    }
}
"""What holds the baselines to that of one of our kernels; JAX compiles for it, but not the products that it calls."""


class BaselineError(RuntimeError):
    """A baseline did not do what it was asked."""


class BaselineProcess:
    """A Python with JAX and the others, on the core of whoever starts it; a context manager that ends it."""

    def __init__(self, kernel: str = "auto") -> None:
        """Those whose instruction set is that of a kernel, the best that there is by default."""
        free = {name: value for name, value in os.environ.items() if name not in CHOSEN_ELSEWHERE}
        self._environment = free | ONE_THREAD | INSTRUCTION_SETS.get(kernel, {})

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="stepbias-bench-")
        self._process = subprocess.Popen(
            [PYTHON, "-m", "benchmarks.baselines"],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._directory.cleanup()

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """One question, one answer.

        Raises:
            BaselineError: it could not be done, or the process is gone.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do} | arguments) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the process ended"}
        if "error" in answer:
            raise BaselineError(f"{do} {arguments}: {answer['error']}")
        return answer

    def dgemm(self) -> Elapsed:
        """How long NumPy's product of two matrices takes."""
        return Elapsed(**self.ask("dgemm"))

    def file(self, name: str) -> Path:
        """A file that both processes see."""
        return Path(self._directory.name) / name

    def prepare(self, library: str, batch: Batch) -> "RemoteLoop":
        """The batch in that library, ready to step."""
        self.ask("prepare", library=library, batch=self._saved(batch))
        return RemoteLoop(self, library)

    def train(self, batch: Batch, *, warmup_steps: int, loss: float, seconds: float) -> dict[str, Any]:
        """What `benchmarks.baselines.jax_to_loss.train` answers."""
        return self.ask("train", batch=self._saved(batch), warmup_steps=warmup_steps, loss=loss, seconds=seconds)

    def _saved(self, batch: Batch) -> str:
        file = self.file("batch.npz")
        batch.save(file)
        return str(file)


class RemoteLoop:
    """A loop in the other process. It takes its own time, without that of asking."""

    def __init__(self, process: BaselineProcess, library: str) -> None:
        self._process, self._library = process, library

    def elapsed(self, steps: int) -> Elapsed:
        """How long the steps took."""
        return Elapsed(**self._process.ask("advance", library=self._library, steps=steps))

    def theta(self) -> np.ndarray:
        """The present parameters, shape (2, run, dim)."""
        file = self._process.file("theta.npy")
        self._process.ask("theta", library=self._library, file=str(file))
        theta: np.ndarray = np.load(file)
        return theta
