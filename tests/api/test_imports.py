"""The API process stays light: it draws nothing and solves nothing."""

import importlib.util
import os
import subprocess
import sys

import pytest

_HEAVY = (
    "matplotlib",
    "scipy",
    "threadpoolctl",
    "core.training.batch_training",
    "core.analysis.run_analysis",
    "worker",
)

_PROGRAM = f"""
import sys
import api.asgi
print(sorted(set({_HEAVY}) & set(sys.modules)))
"""


def _python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
    return subprocess.run(
        [sys.executable, "-c", program], env=known | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", _HEAVY)
def test_what_the_api_must_not_import_is_there_to_be_imported(name: str) -> None:
    """A module that has another name by now would never be found among the imported ones."""
    assert importlib.util.find_spec(name) is not None


def test_the_api_imports_neither_matplotlib_nor_scipy_nor_a_solver() -> None:
    """A process of its own, since this one has imported everything; port 1 answers nobody, and is not asked."""
    done = _python(_PROGRAM, STEPBIAS_REDIS_URL="redis://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_what_is_there_from_the_start_is_no_garbage() -> None:
    """Collections, during which nobody is answered, look at what came later alone."""
    program = "import gc, api.asgi; print(gc.get_freeze_count() > 100_000 > len(gc.get_objects()))"
    done = _python(program, STEPBIAS_REDIS_URL="redis://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_the_api_of_no_server_says_what_to_set() -> None:
    """Instead of starting and failing later."""
    done = _python("import api.asgi")
    assert done.returncode != 0
    assert "STEPBIAS_REDIS_URL is not set" in done.stderr
