"""A TCP proxy between the service and its server that misbehaves on request."""

import asyncio
import contextlib
import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self

HOST: Final = "127.0.0.1"
FROZEN_SECONDS: Final = 60.0
"""So long a half-open connection stays as it is; no client may take longer to give it up."""

_MORSEL: Final = 50
_LOOK: Final = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What becomes of the bytes: nothing of what is named here, by default.

    Attributes:
        held: nothing passes, nothing is closed.
        refused: new connections are closed at once.
        delay: seconds by which every piece is late.
        trickles: pieces of 50 bytes, 2 ms apart.
        cut: the share of replies that end in their middle, and the connection with them.
    """

    held: bool = False
    refused: bool = False
    delay: float = 0.0
    trickles: bool = False
    cut: float = 0.0


class Proxy:
    """Listens on a port of its own, in a thread of its own, until it is closed.

    Args:
        target: the port to lead to, asked at each connection: the server may not have one yet.
        rng: decides which connections are hit where not all are.
        tls: who comes speaks TLS, and the server plain text.
    """

    def __init__(self, target: Callable[[], int], rng: random.Random, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._rng = rng
        self._rules = Rules()
        self._open: list[_Connection] = []
        self._loop = asyncio.new_event_loop()
        self._listener = self._loop.run_until_complete(asyncio.start_server(self._accept, HOST, 0, ssl=tls))
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def under(self, rules: Rules) -> Iterator[None]:
        """Let these rules hold for the block."""
        self._rules = rules
        try:
            yield
        finally:
            self._rules = Rules()

    def drop(self, share: float) -> int:
        """Reset this share of the open connections; how many."""
        return self._hit(share, _Connection.abort)

    def freeze(self, share: float) -> int:
        """Leave this share of the open connections half-open: nothing comes, and nobody is told; how many."""
        return self._hit(share, _Connection.freeze)

    def _hit(self, share: float, blow: Callable[["_Connection"], object]) -> int:
        async def strike() -> int:
            chosen = [each for each in self._open if not each.is_frozen and self._rng.random() < share]
            for connection in chosen:
                blow(connection)
            return len(chosen)

        return asyncio.run_coroutine_threadsafe(strike(), self._loop).result()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._rules.refused:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(HOST, self._target())
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, back)
        self._open.append(connection)
        pumps = (
            self._pump(reader, back, connection, is_reply=False),
            self._pump(there, writer, connection, is_reply=True),
        )
        # A task of a server that ends as cancelled is reported as if something were wrong.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*pumps)
        self._open.remove(connection)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, connection: "_Connection", *, is_reply: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                while self._rules.held and not connection.is_frozen:  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(_LOOK)
                if connection.is_frozen:
                    break
                rules = self._rules
                await asyncio.sleep(rules.delay)
                if is_reply and self._rng.random() < rules.cut:
                    sink.write(data[: len(data) // 2])
                    await sink.drain()
                    break
                for piece in _pieces(data) if rules.trickles else (data,):
                    sink.write(piece)
                    await sink.drain()
                    await asyncio.sleep(0.002 if rules.trickles else 0)
        if connection.is_frozen:
            await asyncio.sleep(FROZEN_SECONDS)
        connection.abort()

    async def _close(self) -> None:
        self._listener.close()
        for connection in tuple(self._open):
            connection.abort()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


class _Connection:
    """A client's connection and the one to the server that goes with it."""

    def __init__(self, *ends: asyncio.StreamWriter) -> None:
        self._ends = ends
        self.is_frozen = False

    def freeze(self) -> None:
        """Let nothing pass any more, not even an end."""
        self.is_frozen = True

    def abort(self) -> None:
        """Reset both ends."""
        for end in self._ends:
            end.transport.abort()


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + _MORSEL] for start in range(0, len(data), _MORSEL))
