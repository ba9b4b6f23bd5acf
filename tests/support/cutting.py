"""A TCP proxy on loopback that cuts a connection after a given byte, and knows what it cut.

It follows the literals (RFC 9051, section 4.3) of what the server says, so that a cut can be made
inside one, at its edges or outside of all. Passes everything on unaltered otherwise.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

CHUNK = 16 * 1024
_ANNOUNCED = re.compile(rb"\{(\d+)\}\r\n\Z")
_LONGEST_ANNOUNCEMENT = 32
_NO_LINGER = struct.pack("ii", 1, 0)  # close() sends RST
_WAIT = 30.0  # seconds for a connection's thread to end

Direction = Literal["down", "up"]
Way = Literal["rst", "fin"]
WAYS: tuple[Way, ...] = ("rst", "fin")


@dataclass(frozen=True)
class Cut:
    """Where one connection ends: `after` so many bytes from the server ("down") or to it ("up").

    `how` is "rst" (what is under way is lost) or "fin" (an orderly end in a wrong place).
    """

    direction: Direction
    after: int
    how: Way


class Literals:
    """Follows a server's stream; `spans` are the literals so far, as [first, past last] byte."""

    def __init__(self) -> None:
        self.position = 0
        self.spans: list[tuple[int, int]] = []
        self._until = 0
        self._line = b""

    @property
    def inside(self) -> bool:
        """Whether the stream stands between the first and the last byte of a literal."""
        return bool(self.spans) and self.spans[-1][0] < self.position < self.spans[-1][1]

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if self.position < self._until:
                step = min(len(data) - at, self._until - self.position)
            else:
                end = data.find(b"\n", at)
                step = (len(data) if end < 0 else end + 1) - at
                self._line = (self._line + data[at : at + step])[-_LONGEST_ANNOUNCEMENT:]
            at += step
            self.position += step
            if self._line.endswith(b"\n"):
                self._announced()

    def _announced(self) -> None:
        found = _ANNOUNCED.search(self._line)
        self._line = b""
        if found and int(found[1]):
            self._until = self.position + int(found[1])
            self.spans.append((self.position, self._until))


@dataclass
class Conversation:
    """What passed on one connection, and how it was cut, if it was."""

    down: int = 0
    up: int = 0
    literals: Literals = field(default_factory=Literals)
    cut: Cut | None = None
    in_literal: bool = False


class CuttingProxy:
    """Passes connections on to `target`, a port of this machine.

    `arm` gives the cut for the next connection alone; `last` is the newest connection's story.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._armed: Cut | None = None
        self._last = Conversation()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, name="cutting", daemon=True)

    def start(self) -> None:
        self._accepting.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(_WAIT)
        self._settle()

    def arm(self, cut: Cut | None) -> None:
        """Cut the next connection so; None: let it pass."""
        self._settle()
        self._armed, self._last = cut, Conversation()

    @property
    def last(self) -> Conversation:
        """The newest connection, when it is over."""
        self._settle()
        return self._last

    def _settle(self) -> None:
        for thread in self._threads:
            thread.join(_WAIT)
            assert not thread.is_alive(), "a connection through the proxy does not end"
        self._threads = []

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            cut, self._armed = self._armed, None
            self._last = story = Conversation()
            thread = threading.Thread(target=self._serve, args=(client, story, cut), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, story: Conversation, cut: Cut | None) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with selectors.DefaultSelector() as selector:
                selector.register(client, selectors.EVENT_READ, "up")
                selector.register(server, selectors.EVENT_READ, "down")
                with contextlib.suppress(OSError):
                    while self._pass_on(selector, client, server, story, cut):
                        pass

    def _pass_on(
        self,
        selector: selectors.BaseSelector,
        client: socket.socket,
        server: socket.socket,
        story: Conversation,
        cut: Cut | None,
    ) -> bool:
        """Pass one piece on in each direction; false when the connection is over."""
        for key, _ in selector.select():
            direction: Direction = key.data
            source, target = (client, server) if direction == "up" else (server, client)
            passed = story.up if direction == "up" else story.down
            last = cut is not None and cut.direction == direction
            room = cut.after - passed if cut is not None and last else CHUNK
            data = source.recv(min(CHUNK, room)) if room > 0 else b""
            if not data and room > 0:
                return False
            target.sendall(data)
            if direction == "up":
                story.up += len(data)
            else:
                story.down += len(data)
                story.literals.feed(data)
            if cut is not None and last and len(data) == room:
                _end(client, cut)
                story.cut, story.in_literal = cut, story.literals.inside
                return False
        return True


def _end(client: socket.socket, cut: Cut) -> None:
    if cut.how == "rst":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    else:
        client.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def cutting_proxy(target: int) -> Iterator[CuttingProxy]:
    """A running proxy; stopped at the end."""
    proxy = CuttingProxy(target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
