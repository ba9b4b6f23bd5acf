"""A relay in front of a mail server that holds its callers back until it is told to let go: from
their first byte on, or after so many bytes of the server's.

For tests in which many have to ask before the first is served; it changes no byte.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

PATIENCE = 60.0  # seconds for which a connection is held at most


class HeldServer:
    """Relays `port` on loopback to `upstream`: what the server says in a connection up to `after`
    bytes, and everything from `release` on. With no `after` nobody is connected before."""

    def __init__(self, upstream: int, after: int = 0) -> None:
        self._upstream = upstream
        self._after = after
        self._released = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="held", daemon=True).start()

    def release(self) -> None:
        """Let go of those that wait, and of all to come."""
        self._released.set()

    def close(self) -> None:
        self._released.set()
        # shutdown wakes the thread that accepts; closing alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        if not self._after:
            self._released.wait(PATIENCE)
        with caller, socket.create_connection(("127.0.0.1", self._upstream)) as server:
            up = threading.Thread(target=_copy, args=(caller, server), daemon=True)
            up.start()
            self._say(server, caller)
            up.join(PATIENCE)

    def _say(self, server: socket.socket, caller: socket.socket) -> None:
        left = self._after
        with contextlib.suppress(OSError):
            while left and (chunk := server.recv(left)):
                caller.sendall(chunk)
                left -= len(chunk)
        self._released.wait(PATIENCE)
        _copy(server, caller)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def held_server(upstream: int, after: int = 0) -> Iterator[HeldServer]:
    """A HeldServer that is closed in the end."""
    held = HeldServer(upstream, after)
    try:
        yield held
    finally:
        held.close()
