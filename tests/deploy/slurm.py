"""As much of Slurm as a job script sees: `#SBATCH` lines, variables, a signal, the limit after it, a requeue."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_DIRECTIVE: Final = re.compile(r"^#SBATCH --([a-z-]+)(?:=(\S+))?$", re.MULTILINE)

_UNITS: Final = {"M": 1, "G": 1024}

_SCONTROL: Final = """#!/bin/sh
test "$1" = requeue && echo "$2" >> "{wishes}"
"""


class Task:
    """One task of a job array, in a session of its own: what Slurm kills at the limit."""

    def __init__(self, job_id: int, command: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self.job_id = job_id
        self._command, self._environment, self._output = command, environment, output
        self.start()

    def start(self) -> None:
        """Begin the script, or begin it anew."""
        with self._output.open("ab") as output:
            self.shell = subprocess.Popen(
                self._command,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def warn(self) -> None:
        """What `--signal=B:TERM@60` asks for, a minute before the limit: the batch shell alone is told."""
        self.shell.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """The limit."""
        with suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.wait()

    def printed(self) -> str:
        """What it printed in all of its lives."""
        return self._output.read_text(encoding="utf-8")


class Slurm:
    """A cluster of one node.

    Args:
        directory: of the user who submits: output of tasks, and the program `scontrol`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._wishes = directory / "requeued"
        self._next_id = 4711
        self.tasks: list[Task] = []
        programs = directory / "bin"
        programs.mkdir()
        (programs / "scontrol").write_text(_SCONTROL.format(wishes=self._wishes), encoding="utf-8")
        (programs / "scontrol").chmod(0o755)
        # The job script calls `stepbias`, which is beside the Python of the tests.
        self._path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])

    def sbatch(self, script: Path, *options: str, environment: Mapping[str, str]) -> list[Task]:
        """Submit the script; options of the command line win over those of the script."""
        asked = dict(_DIRECTIVE.findall(script.read_text(encoding="utf-8")))
        asked |= dict(option.removeprefix("--").split("=", 1) for option in options)
        assert asked["signal"] == "B:TERM@60"
        first, _, last = asked["array"].partition("-")
        array_id, started = self._next_id, []
        for number in range(int(first), int(last or first) + 1):
            memory = asked["mem-per-cpu"]
            variables = {
                "PATH": self._path,
                "SLURM_JOB_ID": str(self._next_id),
                "SLURM_ARRAY_JOB_ID": str(array_id),
                "SLURM_ARRAY_TASK_ID": str(number),
                "SLURM_CPUS_PER_TASK": asked["cpus-per-task"],
                "SLURM_MEM_PER_CPU": str(int(memory[:-1]) * _UNITS[memory[-1]]),
            }
            output = self._directory / f"slurm-{array_id}_{number}.out"
            task = Task(self._next_id, ["bash", str(script)], dict(environment) | variables, output)
            started.append(task)
            self._next_id += 1
        self.tasks += started
        return started

    def requeued(self) -> list[int]:
        """The ids of jobs that asked to be started again."""
        return [int(line) for line in self._wishes.read_text().split()] if self._wishes.exists() else []

    def end(self) -> None:
        """Kill what is left."""
        for task in self.tasks:
            task.kill()
