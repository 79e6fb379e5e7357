"""What a process of the pool does before its first job."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from stepbias.launcher.processes.read_ahead import ONE_THREAD

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


def test_a_process_computes_with_one_thread_whoever_started_it() -> None:
    """Also where nobody has said so before the numerics were imported."""
    program = (
        "from worker import celery_app\ncelery_app._enter_pool_process()\n"
        "from threadpoolctl import threadpool_info\n"
        "print({each['num_threads'] for each in threadpool_info() if each['user_api'] == 'blas'})"
    )
    environment = {name: text for name, text in os.environ.items() if name not in ONE_THREAD}
    environment |= {"STEPBIAS_REDIS_URL": "redis://127.0.0.1:1", "OPENBLAS_NUM_THREADS": "3"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "{1}\n"


def test_each_ring_is_answered_for_its_own_queue() -> None:
    """Its name says which; it carries nothing."""
    program = (
        "from worker import celery_app\nrung = []\ncelery_app._work_off = rung.append\n"
        "celery_app.app.tasks['stepbias.ring.interactive']()\n"
        "celery_app.app.tasks['stepbias.ring.batch']()\nprint(*rung)"
    )
    environment = os.environ | {"STEPBIAS_REDIS_URL": "redis://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "interactive batch\n"


def test_what_a_process_does_is_not_told_any_more_when_it_has_failed() -> None:
    """The row of the pool says nothing, whatever ended the attempt."""
    program = (
        "from worker import celery_app\nfrom worker.present_work import PresentWork\n"
        "from worker.pool_table import PoolTable\ntable = PoolTable(1)\nrow = celery_app._Process.row = table.row(0)\n"
        "import os\n"
        "try:\n with celery_app._watching()(PresentWork(name='n', id='i')):\n"
        "  print(len(list(table.texts({os.getpid()}))))\n  raise KeyError\n"
        "except KeyError:\n print(len(list(table.texts({os.getpid()}))))"
    )
    environment = os.environ | {"STEPBIAS_REDIS_URL": "redis://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "1\n0\n"


def test_settings_that_cannot_be_used_are_told_without_their_values() -> None:
    """Whoever starts Celery's own command reads the end of a traceback; a secret is not in it."""
    environment = os.environ | {"STEPBIAS_REDIS_URL": "redis://x", "STEPBIAS_BROKER_URL": "http://:secret-word@x"}
    command = [sys.executable, "-c", "from worker import celery_app"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "STEPBIAS_BROKER_URL: an address as amqp://USER:PASSWORD@HOST:5672/ is wanted" in done.stderr
    assert "secret-word" not in done.stderr


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
