"""What a process of the pool does before its first job."""

import os
import subprocess
import sys


def test_who_computes_lets_those_go_first_who_answer() -> None:
    """By the scheduler of the system, where both want the same core."""
    program = (
        "import os\nfrom worker import celery_app\nbefore = os.nice(0)\ncelery_app._enter_pool_process()\n"
        "print(min(before + celery_app.NICENESS, 19) == os.nice(0) > before or before == 19)"
    )
    environment = os.environ | {"STEPBIAS_REDIS_URL": "redis://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "True\n"
