"""What runs the service on this machine; needs the extra `service`."""

import os

from stepbias.launcher.application import make_importable
from stepbias.launcher.one_thread import ONE_THREAD

# Before any module of this package imports NumPy, whose BLAS reads it once, and `core`, `jobs`, `worker` or `api`.
os.environ.update(ONE_THREAD)
make_importable()
