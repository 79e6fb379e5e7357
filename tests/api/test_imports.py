"""The API process stays light: it draws nothing and solves nothing."""

import os
import subprocess
import sys

_PROGRAM = """
import importlib
import sys
import api.asgi
heavy = {"matplotlib", "scipy", "threadpoolctl", "core.training.batch_training", "core.analysis.problem",
         "core.experiment.run", "worker"}
print(sorted(heavy & set(sys.modules)))
for name in heavy:
    importlib.import_module(name)  # a name that is gone would never be found among the modules
"""


def _python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("STEPBIAS_")}
    return subprocess.run(
        [sys.executable, "-c", program], env=known | environment, capture_output=True, text=True, check=False
    )


def test_the_api_imports_neither_matplotlib_nor_scipy_nor_a_solver() -> None:
    """A process of its own, since this one has imported everything; port 1 answers nobody, and is not asked."""
    done = _python(_PROGRAM, STEPBIAS_REDIS_URL="redis://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_the_api_of_no_server_says_what_to_set() -> None:
    """Instead of starting and failing later."""
    done = _python("import api.asgi")
    assert done.returncode != 0
    assert "STEPBIAS_REDIS_URL is not set" in done.stderr
