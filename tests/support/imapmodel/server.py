"""The model server's sockets: a thread for each connection, on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.support.imapmodel.faults import Schedule
from tests.support.imapmodel.mailbox import Mailbox
from tests.support.imapmodel.session import PASSWORD, Session

__all__ = ["BASIC", "CONDSTORE", "FULL", "LISTS", "PASSWORD", "QRESYNC", "Server", "serving"]

LISTS = frozenset({"LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "CHILDREN"})
BASIC = frozenset({"ENABLE", "ESEARCH", "IDLE", "NAMESPACE", "UIDPLUS", "UNSELECT", "MOVE"})
CONDSTORE = frozenset({"CONDSTORE"})
QRESYNC = CONDSTORE | {"QRESYNC"}
FULL = BASIC | LISTS | QRESYNC


class Server:
    """One mailbox on one port. Change `mailbox` only in a `with server.lock`.

    `problems` are commands that a client may not send; `commands` all that were sent after the
    login; `most` how many connections were open at once at most.
    """

    def __init__(self, offers: frozenset[str] = FULL) -> None:
        self.mailbox = Mailbox()
        self.offers = offers
        self.faults = Schedule()
        self.lock = threading.RLock()
        self.over = threading.Event()
        self.problems: list[str] = []
        self.commands: list[str] = []
        self.flapping = False  # UIDVALIDITY is another at every connect
        self.forgetful = False  # VANISHED (EARLIER) names all that ever was
        self.expunge_issued = False  # a FETCH of what is gone ends with NO (RFC 5530)
        self.most = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                # Small answers go out at once.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.lock:
                    self._open.add(connection)
                    self.most = max(self.most, len(self._open))
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                Session(self, connection, lines).run()
                # Closed with unread bytes it would reset the connection, and lose what was said.
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(0.2)
                while lines.read1():
                    pass
        except OSError:
            pass  # the client has gone
        except Exception as defect:  # shown by whoever looks at the problems
            self.problems.append(f"defect of the model: {defect!r}")
            raise
        finally:
            with self.lock:
                self._open.discard(connection)

    def close(self) -> None:
        """Break what is open, and end."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self.lock:
            still_open = list(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in [self._accepting, *self._threads]:
            thread.join(10)


@contextlib.contextmanager
def serving(offers: frozenset[str] = FULL) -> Iterator[Server]:
    """A model server for the time of a block; afterwards no client may have broken the rules."""
    server = Server(offers)
    try:
        yield server
    finally:
        server.close()
    assert not server.problems, server.problems
