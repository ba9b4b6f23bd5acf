"""A TCP proxy on loopback that delays what it passes on, and counts bytes and round trips.

A round trip is counted whenever the client speaks after the server has spoken: however much is
pipelined then, it waited once. What belongs to signing in and out is left out of the counts. The
throughput is not limited, only the time of every byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_CHUNK = 256 * 1024
_HELD = 64 * 1024 * 1024  # bytes on their way, a direction
_LOGIN = re.compile(rb"(\S+) (?:AUTHENTICATE|LOGIN)\b", re.IGNORECASE)
_LOGOUT = re.compile(rb"\S+ LOGOUT\r?\n\Z", re.IGNORECASE)


@dataclass
class Counts:
    """What passed between the ends of signing in and LOGOUT, over the last connection."""

    round_trips: int = 0
    bytes_up: int = 0
    bytes_down: int = 0


class _Conversation:
    """Counts one connection's traffic."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._login_tag: bytes | None = None
        self._signed_in = self._signed_out = False
        self._server_spoke = True

    def client_said(self, data: bytes) -> None:
        login = None if self._signed_in else _LOGIN.match(data)
        if login:
            self._login_tag = login[1]
        self._signed_out |= bool(_LOGOUT.search(data))
        if self._signed_in and not self._signed_out:
            self._counts.bytes_up += len(data)
            self._counts.round_trips += self._server_spoke
        self._server_spoke = False

    def server_said(self, data: bytes) -> None:
        self._server_spoke = True
        if self._signed_in and not self._signed_out:
            self._counts.bytes_down += len(data)
        elif self._login_tag:
            self._signed_in = b"\n" + self._login_tag + b" OK" in b"\n" + data


class Proxy:
    """Passes connections on to `port` of this machine; each direction takes `delay` seconds."""

    def __init__(self, port: int, delay: float = 0.0) -> None:
        self._target = port
        self._delay = delay
        self.counts = Counts()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def reset(self) -> None:
        """Count from nothing."""
        self.counts = Counts()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_CHUNK)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reset()
        conversation = _Conversation(self.counts)
        up, down = await asyncio.open_connection("127.0.0.1", self._target, limit=_CHUNK)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(
                self._pass_on(reader, down, conversation.client_said),
                self._pass_on(up, writer, conversation.server_said),
            )

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        note: Callable[[bytes], None],
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_HELD // _CHUNK)
        delivering = asyncio.ensure_future(self._deliver(under_way, target))
        try:
            while data := await source.read(_CHUNK):
                note(data)
                if self._delay:
                    await under_way.put((self._loop.time() + self._delay, data))
                else:
                    target.write(data)
                    await target.drain()
        finally:
            await under_way.put((0.0, b""))
            await delivering

    async def _deliver(
        self, under_way: asyncio.Queue[tuple[float, bytes]], target: asyncio.StreamWriter
    ) -> None:
        while True:
            due, data = await under_way.get()
            if not data:
                target.close()
                return
            if (early := due - self._loop.time()) > 0:
                await asyncio.sleep(early)
            target.write(data)
            await target.drain()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@contextlib.contextmanager
def running_proxy(port: int, delay: float = 0.0) -> Iterator[Proxy]:
    """A proxy in a thread of this process; stopped at the end."""
    proxy = Proxy(port, delay)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
