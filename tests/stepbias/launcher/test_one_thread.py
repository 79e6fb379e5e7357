"""What BLAS has of the cores in the processes of the service."""

import json
import os
import subprocess
import sys

import pytest

LOADED = """
import json
from importlib import import_module
import_module("stepbias.launcher.commands.{command}")
import numpy, scipy.linalg
from threadpoolctl import threadpool_info
print(json.dumps([each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]))
"""


@pytest.mark.parametrize("command", ["serve", "up", "local"])
def test_blas_has_one_thread_whatever_is_imported_first(command: str) -> None:
    """It reads the environment as NumPy is imported, which happens before a command runs."""
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    program = [sys.executable, "-c", LOADED.format(command=command)]
    printed = subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout
    assert set(json.loads(printed)) == {1}
