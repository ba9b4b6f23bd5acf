"""A proxy on loopback that counts how often a client waits for its IMAP server.

A round trip is counted whenever the client speaks after the server has spoken, however much it
says then. Signing in and out are left out of the count.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator

_AROUND = re.compile(rb"\S+ (?:AUTHENTICATE|LOGIN|CAPABILITY|LOGOUT)\b", re.IGNORECASE)


class RoundTrips:
    """Passes the connections made to `port` on; set `count` to 0 to count anew."""

    def __init__(self, target: int) -> None:
        self.count = 0
        self._target = target
        self._answered = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(near,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._target)) as far:
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_pump, args=(far, near, self._server_said))
            back.start()
            _pump(near, far, self._client_said)
            back.join()

    def _client_said(self, data: bytes) -> None:
        if not _AROUND.match(data):
            self.count += self._answered
        self._answered = False

    def _server_said(self, _: bytes) -> None:
        self._answered = True

    def close(self) -> None:
        """Let no more come; call when every client has left."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


def _pump(source: socket.socket, sink: socket.socket, note: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            note(data)
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def counting_round_trips(target: int) -> Iterator[RoundTrips]:
    """A proxy to a port of this machine."""
    proxy = RoundTrips(target)
    try:
        yield proxy
    finally:
        proxy.close()
