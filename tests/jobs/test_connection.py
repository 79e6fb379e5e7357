"""Connections notice that their other end is gone."""

import socket
import sys

import pytest
import redis

from jobs.celery_doorbell import make_celery_app
from jobs.connection import connect, open_ahead
from jobs.settings import Settings

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems have other options"),
]

OPTIONS = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 2, socket.TCP_KEEPCNT: 3}


def _require_watched(pool: redis.ConnectionPool) -> None:
    connection = pool.get_connection()
    end = connection._sock
    assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert {option: end.getsockopt(socket.IPPROTO_TCP, option) for option in OPTIONS} == OPTIONS
    assert end.gettimeout() == 4.0
    assert 0 < connection.health_check_interval <= 30
    pool.release(connection)


def test_a_connection_to_the_store_is_kept_alive(empty_valkey_url: str) -> None:
    """Of a worker, which waits long: without a word from the other end it fails in 11 seconds, in an answer in 4."""
    with connect(empty_valkey_url, patience=60.0) as client:
        _require_watched(client.connection_pool)


def test_a_connection_to_the_broker_is_kept_alive(empty_valkey_url: str) -> None:
    """As that to the store."""
    app = make_celery_app(Settings.model_validate({"redis_url": empty_valkey_url}))
    with app.connection_for_read() as connection:
        _require_watched(connection.default_channel.client.connection_pool)


def test_what_two_threads_need_is_opened_at_the_start(empty_valkey_url: str) -> None:
    """Later, whoever asks at once opens none; where the server is away, the start goes on without."""
    with connect(empty_valkey_url, patience=1.0) as client, connect(empty_valkey_url, patience=1.0) as onlooker:
        open_ahead(client, 2)
        before = onlooker.info("stats")["total_connections_received"]
        pool = client.connection_pool
        held = [pool.get_connection() for _ in range(2)]
        assert onlooker.info("stats")["total_connections_received"] == before
        for each in held:
            pool.release(each)
    with connect("redis://127.0.0.1:1", patience=0.1) as away:
        open_ahead(away, 2)
