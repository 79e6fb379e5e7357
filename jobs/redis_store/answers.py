"""Answers to requests in Redis."""

from typing_extensions import override  # in typing itself from Python 3.12 on

from jobs.ports import AnswerStore
from jobs.redis_store.keys import key as key_of
from jobs.redis_store.scripts import Script
from jobs.redis_store.server import RedisServer
from jobs.seal import sealed


class RedisAnswers(RedisServer, AnswerStore):
    """The answers that the Redis store keeps."""

    @override
    def keep_answer(self, key: str, answer: bytes, *, seconds: float, is_first: bool) -> bytes:
        name = f"answer {key}"
        asked = key, sealed(name, answer), max(round(seconds * 1000), 1)
        kept = self._opened(name, self._call(Script.KEEP_ANSWER, *asked, int(is_first)))
        if kept is None:
            # It is damaged: as if none had been kept.
            self._call(Script.KEEP_ANSWER, *asked, 0)
        return answer if kept is None else kept

    @override
    def drop_answer(self, key: str) -> None:
        self._read(["UNLINK", key_of("answer", key)])
