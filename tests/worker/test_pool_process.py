"""What a process of the pool does before its first job."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

AUTOGROUP = Path("/proc/self/autogroup")

_IN_A_SESSION = """
import os, sys
from worker.niceness import step_back
os.setsid()
reading, writing = os.pipe()
for _ in range(int(sys.argv[1])):
    if os.fork():
        os.wait()
        sys.exit(0)
step_back(10, of_session=7)
print(os.nice(0) >= 10, open("/proc/self/autogroup").read().split()[-1])
"""


def test_who_computes_lets_those_go_first_who_answer() -> None:
    """By the scheduler of the system, where both want the same core."""
    program = (
        "import os\nfrom worker import celery_app\nbefore = os.nice(0)\ncelery_app._enter_pool_process()\n"
        "print(min(before + celery_app.NICENESS, 19) == os.nice(0) > before or before == 19)"
    )
    environment = os.environ | {"STEPBIAS_REDIS_URL": "redis://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "True\n"


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="processors are not shared among sessions here")
@pytest.mark.parametrize(("generations", "expected"), [(1, "7"), (2, "0")])
def test_the_session_of_a_worker_is_nice_as_well(generations: int, expected: str) -> None:
    """If it is the worker's own: that of a terminal, whose children have children, stays as it is."""
    program = [sys.executable, "-c", _IN_A_SESSION, str(generations)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout == f"True {expected}\n"


@pytest.mark.services
def test_a_process_opens_the_connections_of_its_job_and_of_its_heart(empty_valkey_url: str) -> None:
    """Before its first job: it never has more."""
    program = (
        "import sys\nfrom worker import celery_app\ncelery_app._enter_pool_process()\ncelery_app.context()\n"
        "print(flush=True)\nsys.stdin.read()"
    )
    environment = os.environ | {"STEPBIAS_REDIS_URL": empty_valkey_url}
    with (
        redis.Redis.from_url(empty_valkey_url) as client,
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        assert [each["name"] for each in client.client_list()].count("stepbias") == 2
        process.communicate()
