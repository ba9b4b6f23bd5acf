"""A socket that one thread reads and another writes, TLS or not, without ever blocking unbounded.

Knows bytes, not IMAP. OpenSSL's connections are not made for reading and writing at a time, so
every single call is made non-blocking and under a lock; waiting happens outside of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import select
import socket
import ssl
import sys
import termios
import threading
import time
from collections.abc import Callable

READ_SIZE = 256 * 1024
_TICK = 0.25  # seconds between looks at whether to stop


class Channel:
    """The bytes of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket = connection
        self._lock = threading.Lock()
        self._reading_waits_for = select.POLLIN

    def receive(self) -> bytes | None:
        """What has come; None when nothing has, empty when the other end has closed.

        Never waits. With TLS, bytes may be left in its buffers that no poll announces: call
        until it gives None before waiting. Raises OSError.
        """
        self._reading_waits_for = select.POLLIN
        with self._lock:
            try:
                return self._socket.recv(READ_SIZE)
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
                return None
            except ssl.SSLWantWriteError:
                self._reading_waits_for = select.POLLOUT
                return None

    def wait(self, seconds: float) -> None:
        """Wait until there may be something to receive, at most `seconds`."""
        self._poll(self._reading_waits_for, seconds)

    def send(
        self,
        data: bytes,
        patience: float,
        stopped: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> None:
        """Send all of `data`; `progress` is told of the bytes that were taken, as they are.

        Raises TimeoutError when the other end takes nothing for `patience` seconds, OSError when
        the connection broke or `stopped` said so.
        """
        view, deadline = memoryview(data), time.monotonic() + patience
        while view:
            wanted, sent = select.POLLOUT, 0
            with self._lock:
                try:
                    sent = self._socket.send(view)
                except (BlockingIOError, InterruptedError, ssl.SSLWantWriteError):
                    pass
                except ssl.SSLWantReadError:
                    wanted = select.POLLIN
            if sent:
                view, deadline = view[sent:], time.monotonic() + patience
                progress(sent)
            elif stopped():
                raise ConnectionAbortedError("closed meanwhile")
            elif time.monotonic() > deadline:
                raise TimeoutError("nothing was taken")
            else:
                self._poll(wanted, min(_TICK, patience))

    def queued(self) -> int:
        """How many of the bytes sent have not arrived at the other end yet; 0 where the system
        does not tell."""
        with contextlib.suppress(OSError, ValueError):
            told = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
            return int.from_bytes(told, sys.byteorder)
        return 0

    def _poll(self, events: int, seconds: float) -> None:
        descriptor = self._socket.fileno()
        if descriptor < 0:
            raise ConnectionAbortedError("closed meanwhile")
        poll = select.poll()
        poll.register(descriptor, events)
        poll.poll(seconds * 1000)

    def wake(self) -> None:
        """End the conversation: whoever waits on it wakes. The descriptor stays taken, so that
        no other connection gets its number while a thread still polls it."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the descriptor back; call when no thread uses the channel any more."""
        self._socket.close()
