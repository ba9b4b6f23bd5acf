"""A proxy on loopback to a mail server that is slow to greet, and falls silent in the middle."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

PIECE = 4096  # bytes
_WAIT = 30.0  # seconds for a connection's thread to end


class StallingProxy:
    """Passes connections on to `target`. Each begins after `pause` seconds; of what the server
    says on it, no more than `most` bytes come through until somebody calls `go_on`."""

    def __init__(self, target: int, *, pause: float, most: int) -> None:
        self._target, self._pause, self._most = target, pause, most
        self._going_on = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def go_on(self) -> None:
        """Hold up nothing from now on."""
        self._going_on.set()

    def close(self) -> None:
        """Let no more come; call when every client has left."""
        self.go_on()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(_WAIT)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(near,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, near: socket.socket) -> None:
        self._going_on.wait(self._pause)
        with near, socket.create_connection(("127.0.0.1", self._target)) as far:
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pump, args=(far, near, self._most), daemon=True)
            back.start()
            self._pump(near, far)
            back.join(_WAIT)

    def _pump(self, source: socket.socket, sink: socket.socket, most: int | None = None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                passed += len(data)
                if most is not None and passed > most:
                    self._going_on.wait()
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def stalling_proxy(target: int, *, pause: float, most: int) -> Iterator[StallingProxy]:
    """A running proxy; stopped at the end."""
    proxy = StallingProxy(target, pause=pause, most=most)
    try:
        yield proxy
    finally:
        proxy.close()
