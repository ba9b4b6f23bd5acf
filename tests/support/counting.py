"""A proxy that counts how many connections are open at once, as the mail server sees them.

`counted` runs it in a process of its own, where it takes no time from those who sync:
`python -m tests.support.counting PORT` says its port, and with the end of its input the count.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class CountingProxy:
    """Passes connections on; `most` is the most that were open at once."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._open = 0
        self.most = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with self._lock:
            self._open += 1
            self.most = max(self.most, self._open)
        with near, socket.create_connection(("127.0.0.1", self._target)) as far:
            back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
            back.start()
            # Counted until the client has left, not until the server has let go.
            self._pump(near, far)
            with self._lock:
                self._open -= 1
            back.join(5)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@dataclass
class Count:
    """Where the proxy is, and afterwards what it counted."""

    port: int
    most: int = 0


@contextlib.contextmanager
def counted(target: int) -> Iterator[Count]:
    """A proxy to a port of this machine, in another process."""
    command = [sys.executable, "-m", __name__, str(target)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        count = Count(int(process.stdout.readline()))
        try:
            yield count
        finally:
            said, _ = process.communicate(timeout=30)
            count.most = int(said)


if __name__ == "__main__":
    proxy = CountingProxy(int(sys.argv[1]))
    print(proxy.port, flush=True)
    sys.stdin.read()
    print(proxy.most, flush=True)
