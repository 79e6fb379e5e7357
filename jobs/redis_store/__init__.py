"""The store on a Redis or Valkey server: the Lua scripts make every method one atomic step."""

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.errors import StoreUnavailable
from jobs.ports import Store
from jobs.redis_store.answers import RedisAnswers
from jobs.redis_store.api_keys import RedisKeys
from jobs.redis_store.events import RedisEvents
from jobs.redis_store.experiments import RedisExperiments
from jobs.redis_store.jobs import RedisJobs
from jobs.redis_store.results import RedisResults
from jobs.redis_store.scripts import Script
from jobs.redis_store.upkeep import RedisUpkeep
from jobs.redis_store.uploads import RedisUploads
from jobs.redis_store.webhooks import RedisWebhooks

__all__ = ["RedisStore"]


class RedisStore(
    RedisExperiments,
    RedisJobs,
    RedisUpkeep,
    RedisResults,
    RedisUploads,
    RedisAnswers,
    RedisEvents,
    RedisKeys,
    RedisWebhooks,
    Store,
):
    """The whole store on one server: `RedisStore(connect(url, patience=…), settings)`."""

    @override
    def adopt(self) -> None:
        self._call(Script.ADOPT)

    @override
    def ping(self) -> bool:
        try:
            self._read(["PING"])
        except StoreUnavailable:
            return False
        return True
