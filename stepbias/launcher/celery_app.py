"""The Celery app of the workers, under a name that every installation has; in a checkout also `worker.celery_app`.

celery -A stepbias.launcher.celery_app worker -Q batch
"""

import logging
import os

from stepbias.launcher.one_thread import ONE_THREAD

# Before the numerics are imported.
os.environ.update(ONE_THREAD)

from stepbias.variables import unread
from worker.celery_app import app

for _sentence in unread(os.environ):
    logging.getLogger(__name__).warning(_sentence)

__all__ = ["app"]
