"""A server that plays a script, for what no honest server does: hang, drip, lie, break off.

A script is a list of steps, one after the other, for every connection anew. Speaks no protocol.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_TAGGED = re.compile(rb"([A-Za-z]+\d+) [A-Z]+")

Play = Callable[["Conversation"], None]


@dataclass
class Conversation:
    """One connection of the script."""

    socket: socket.socket
    over: threading.Event
    heard: list[bytes]
    tag: bytes = b""

    def receive_line(self) -> bytes:
        """The next line of the client; raises EOFError when it has left."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise EOFError
            line += byte
        self.heard.append(line)
        tagged = _TAGGED.match(line)
        self.tag = tagged[1] if tagged else self.tag
        return line


def say(text: bytes) -> Play:
    """Send."""
    return lambda conversation: conversation.socket.sendall(text)


def answer(text: bytes, *, expect: bytes = b"") -> Play:
    """Wait for a line that holds `expect`, then send; `%t` stands for the last line's tag."""

    def play(conversation: Conversation) -> None:
        line = conversation.receive_line()
        assert expect.upper() in line.upper(), line
        conversation.socket.sendall(text.replace(b"%t", conversation.tag))

    return play


def hang(conversation: Conversation) -> None:
    """Say nothing more, until the client has gone."""
    with contextlib.suppress(OSError):
        while not conversation.over.is_set() and conversation.socket.recv(4096):
            pass


def drip(text: bytes, *, every: float = 0.05) -> Play:
    """Send `text` over and over, byte by byte."""

    def play(conversation: Conversation) -> None:
        while True:
            for at in range(len(text)):
                conversation.socket.sendall(text[at : at + 1])
                if conversation.over.wait(every):
                    return

    return play


def flood(text: bytes) -> Play:
    """Send `text` over and over, as fast as it is taken."""

    def play(conversation: Conversation) -> None:
        while not conversation.over.is_set():
            conversation.socket.sendall(text)

    return play


def start_tls(certificate: Path, key: Path) -> Play:
    """Speak TLS from here on."""

    def play(conversation: Conversation) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        conversation.socket = context.wrap_socket(conversation.socket, server_side=True)

    return play


class ScriptedServer:
    """Plays `script` to whoever connects; `heard` holds the lines that clients have said."""

    def __init__(self, script: Sequence[Play]) -> None:
        self.host = "127.0.0.1"
        self.heard: list[bytes] = []
        self.problems: list[BaseException] = []
        self._script = script
        self._over = threading.Event()
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._connections: list[socket.socket] = []
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._play, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _play(self, connection: socket.socket) -> None:
        conversation = Conversation(connection, self._over, self.heard)
        try:
            for step in self._script:
                step(conversation)
        except (OSError, EOFError):
            pass  # the client has gone, as it should
        except AssertionError as problem:
            self.problems.append(problem)
        finally:
            # Closed with unread bytes, it would reset the connection, and lose what was said.
            with contextlib.suppress(OSError):
                conversation.socket.shutdown(socket.SHUT_WR)
                conversation.socket.settimeout(0.2)
                while conversation.socket.recv(4096):
                    pass
            conversation.socket.close()
            connection.close()

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)


@contextlib.contextmanager
def scripted(*script: Play) -> Iterator[ScriptedServer]:
    """A server that plays `script`; afterwards, fails when the client did not keep to it."""
    server = ScriptedServer(script)
    try:
        yield server
    finally:
        server.close()
    assert not server.problems, server.problems


# The usual beginning of an IMAP conversation ----------------------------------------------------

CAPABILITIES = b"IMAP4rev1 AUTH=PLAIN SASL-IR"
GREETING = say(b"* OK [CAPABILITY " + CAPABILITIES + b"] ready\r\n")
LOGIN = answer(b"%t OK [CAPABILITY " + CAPABILITIES + b"] in\r\n", expect=b"AUTHENTICATE PLAIN")
LOGOUT = answer(b"* BYE bye\r\n%t OK out\r\n", expect=b"LOGOUT")
