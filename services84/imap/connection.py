"""A signed-in IMAP connection. The only file that knows imaplib2.

imaplib2 keeps the commands and their tags; reading, sending, framing, time-outs, TLS and the
dispatch of responses are ours, because its own read line by line without any bound, verify
nothing, and may wait for ever. What the commands are for is `mailbox`'s matter.
"""

from __future__ import annotations

import contextlib
import importlib.util
import random
import re
import threading
import time
import types
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from services84.errors import (
    ConnectionLost,
    MailServerError,
    MailServerRefused,
    MailServerTimeout,
)
from services84.imap import responses
from services84.imap.channel import Channel
from services84.imap.continuations import Continuations, Large, each
from services84.imap.framing import MIB, Framer, LimitReached, Limits, Response
from services84.imap.login import announced, sign_in
from services84.imap.mailbox import ImapConnection
from services84.imap.names import Pieces, joined
from services84.imap.opening import (
    Dial,
    Opened,
    Timeouts,
    connection_lost,
    no_answer,
    open_connection,
)
from services84.imap.refusals import farewell
from services84.imap.session import Answer, Command, Completion
from services84.imap.tracing import Hidden, Tracer
from services84.mailhost import Login, MailHost

__all__ = ["ImapConnection", "Timeouts", "connect", "mail_server_errors"]

MOST_PATIENCE = 10  # times the read time-out: for a server that drips instead of being silent
SLOWEST = 4096  # every so many bytes buy another second
COST_OF_A_RESPONSE = 256  # bytes of memory beyond its text, about
LAST_WORDS = 3.0  # seconds for LOGOUT
_TICK = 0.5  # seconds between looks at the clock
_JOIN = 10.0  # seconds; the threads end at once
_OF_MAIL = re.compile(rb"\* (?:\d{1,18} FETCH|LIST|STATUS) ")  # most of what comes
_TAG = random.randint(4096, 65535)  # one a process: imaplib2 compiles an expression with it


class _Thread(threading.Thread):
    """A thread with the old spellings that imaplib2 uses, which newer Pythons warn about."""

    def setDaemon(self, daemonic: bool) -> None:
        self.daemon = daemonic

    def setName(self, name: str) -> None:
        self.name = name


class _NoThread:
    """Stands where imaplib2 has a thread and `_Imap` needs none."""

    def setDaemon(self, daemonic: bool) -> None: ...

    def start(self) -> None: ...


def _thread(target: Callable[[], None]) -> _Thread | _NoThread:
    return _Thread(target=target) if target.__name__ == "_reader" else _NoThread()


def _load() -> Any:
    """imaplib2's module, in a copy of our own.

    Loaded with asserts off: its debug lines are formatted even where nobody reads them, one for
    each line and response. The copy starts one thread of its three, and does not sleep for a
    tenth of a second per connection: `_Imap` hands the greeting over without a race.
    """
    package = importlib.util.find_spec("imaplib2")
    if package is None or not package.submodule_search_locations:
        raise ImportError("imaplib2 is not installed")
    path = Path(package.submodule_search_locations[0]) / "imaplib2.py"
    module = types.ModuleType("services84.imap._imaplib2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(path.read_bytes(), str(path), "exec", optimize=1, dont_inherit=True)
    exec(code, module.__dict__)
    vars(module).update(
        threading=types.SimpleNamespace(
            Thread=_thread,
            Event=threading.Event,
            Lock=threading.Lock,
            currentThread=threading.current_thread,
        ),
        time=types.SimpleNamespace(time=time.time, sleep=lambda _seconds: None),
        random=types.SimpleNamespace(randint=lambda _least, _most: _TAG),
    )
    # RFC 3691; the end of a folder's being open, with which other commands have to wait.
    module.__dict__["Commands"]["UNSELECT"] = (("SELECTED",), False)
    return module


imaplib2 = _load()


@contextlib.contextmanager
def mail_server_errors(host: MailHost) -> Iterator[None]:
    """Everything that goes wrong below comes out as a MailServerError."""
    try:
        yield
    except imaplib2.IMAP4.abort as error:
        raise connection_lost(host) from error
    except imaplib2.IMAP4.error as error:
        raise MailServerRefused(f"{host} said what nobody understands", host=host.host) from error
    except OSError as error:
        raise connection_lost(host, error) from error


def connect(
    host: MailHost,
    login: Login,
    *,
    dial: Dial,
    timeouts: Timeouts,
    ca_file: Path | None = None,
    allow_cleartext: bool = False,
    limits: Limits | None = None,
    trace: Callable[[str], None] | None = None,
) -> ImapConnection:
    """A connection that is protected as `host.transport` asks and signed in as `login`.

    `dial(host, port, seconds)` gives a connected socket or raises MailServerError; `ca_file`
    (PEM) names authorities beside the system's; `allow_cleartext` lets a password go
    unprotected to hosts other than this machine; `trace` is told of the conversation line by
    line (see `tracing`), from several threads. Use the result as a context manager, or close()
    it.

    Raises MailServerError in all its kinds; no wait is longer than the time-outs allow.
    """
    tracer = Tracer(trace, login.secret) if trace else None
    try:
        return _connect(host, login, dial, timeouts, ca_file, allow_cleartext, limits, tracer)
    except MailServerError as error:
        if tracer:
            tracer.remark(error.message)
        raise


def _connect(
    host: MailHost,
    login: Login,
    dial: Dial,
    timeouts: Timeouts,
    ca_file: Path | None,
    allow_cleartext: bool,
    limits: Limits | None,
    tracer: Tracer | None,
) -> ImapConnection:
    opened = open_connection(
        host,
        dial=dial,
        timeouts=timeouts,
        ca_file=ca_file,
        allow_cleartext=allow_cleartext,
        tracer=tracer,
    )
    with mail_server_errors(host):
        try:
            session = _Imap(host, opened, timeouts.read, limits or Limits(), tracer, login.secret)
        except BaseException:
            opened.socket.close()
            raise
        try:
            sign_in(session, host, login, protected=opened.protected)
        except BaseException:
            session.end()
            raise
    return ImapConnection(host, session)


class _Outgoing:
    """Stands where imaplib2 has a queue for its writer: what is put into it is sent at once, by
    whoever puts it."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send

    def put(self, request: Any) -> None:
        if request is not None:
            self._send(request)

    def empty(self) -> bool:
        return True


class _Imap(imaplib2.IMAP4):  # type: ignore[misc, name-defined]
    """imaplib2 over a connection that was greeted and protected already.

    Its one thread, the reader, frames and dispatches, is the watchdog of every wait, and releases
    whoever still waits at the end. Whoever performs a command sends it.
    """

    def __init__(
        self,
        host: MailHost,
        opened: Opened,
        patience: float,
        limits: Limits,
        tracer: Tracer | None,
        secret: str,
    ) -> None:
        self._mail_host = host
        self._opened = opened
        self._channel = Channel(opened.socket)
        self._framer = Framer(limits)
        self._limits = limits
        self._patience = patience
        self._tracer = tracer
        self._hides = Hidden(secret)
        self._failure: MailServerError | None = None
        self._inbox: list[Response] = []
        self._idling = self._ending = self._leaving = False
        self._stirred = threading.Event()
        self._started = self._heard = time.monotonic()
        self._received = self._sent = self._queued = self._earlier = 0
        self._under_way: deque[Any] = deque()  # requests of `perform_all`, not answered yet
        self._sending = threading.Lock()
        self._outgoing = _Outgoing(self._send_request)
        super().__init__(host=host.host, port=host.port, identifier=f"imap {host}")

    # A session ----------------------------------------------------------------------------------

    def perform(self, name: str, *arguments: Pieces, answer: Answer | None = None) -> Completion:
        """Perform a command (see `session.Session`)."""
        first, *rest = joined(*arguments) if arguments else (None,)
        if rest:
            answer = each(rest)
        if name == "AUTHENTICATE" and answer:
            answer = self._hides.noting(joined(*arguments)[0], answer)
        told = None if rest else self._tracer
        self._begin()
        self.literal = Continuations(answer, told).process if answer else None
        if self._tracer:
            self._tracer.command(name, (first or b"", *rest))
        with self._broken_off():
            try:
                request = self._command(name, first)
                status, text, seen = request.get_response()
            finally:
                if not imaplib2.Commands[name][imaplib2.CMD_VAL_ASYNC]:
                    self._release_state_change()
        return Completion(status, text, seen)

    def perform_all(self, commands: Sequence[Command]) -> Iterator[Completion]:
        """Send several commands at once (see `session.Session`)."""
        lines = [joined(*one.arguments) if one.arguments else () for one in commands]
        if any(len(pieces) > 1 for pieces in lines):
            raise ValueError("an argument has to be waited for")
        self._begin()
        self._say_all([(one.name, pieces) for one, pieces in zip(commands, lines, strict=True)])
        return self._completions()

    def _completions(self) -> Iterator[Completion]:
        while self._under_way:
            yield self._next_completion()

    def _say_all(self, lines: Sequence[tuple[str, Pieces]]) -> None:
        """imaplib2 would hold a command that changes the state until all others are done; its
        requests are made and sent here therefore."""
        requests = [self._request_push(name=name) for name, _ in lines]
        data = b""
        for (name, pieces), request in zip(lines, requests, strict=True):
            data += b" ".join((request.tag, name.encode("ascii"), *pieces)) + b"\r\n"
            if self._tracer:
                self._tracer.command(name, pieces)
        if requests:
            requests[0].data = data
            self._under_way.extend(requests)
            self.ouq.put(requests[0])

    def _next_completion(self) -> Completion:
        request = self._under_way.popleft()
        with self._broken_off():
            status, text, seen = request.get_response()
        return Completion(status, text, seen)

    def _begin(self) -> None:
        """Before anything is said: nobody's answer may be under way."""
        while self._under_way:
            self._next_completion()
        self._started, self._received, self._sent, self._earlier = time.monotonic(), 0, 0, 0

    def idle(
        self, seconds: float, stop: Callable[[], bool], news: Callable[[Response], bool]
    ) -> Completion:
        """Perform IDLE (see `session.Session`)."""
        until = time.monotonic() + seconds
        asked = False

        def answer(_text: bytes) -> bytes | None:
            nonlocal asked
            if asked:
                return None  # DONE was said; a server that asks again gets no other answer
            asked = True
            self._wait_for_news(until, stop, news)
            return b"DONE"

        return self.perform("IDLE", answer=answer)

    def _wait_for_news(
        self, until: float, stop: Callable[[], bool], news: Callable[[Response], bool]
    ) -> None:
        self._idling = True
        try:
            while not (stop() or self._ending or self._has(news)):
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._stirred.wait(min(left, _TICK))
                self._stirred.clear()
        finally:
            self._started = time.monotonic()  # from here on the server is waited for again
            self._idling = False
        if self._ending:
            raise self.abort("the connection has ended")

    def _has(self, news: Callable[[Response], bool]) -> bool:
        with self.commands_lock:
            said = list(self._inbox)
        return any(map(news, said))

    def signed_in(self, capabilities: frozenset[str]) -> None:
        if self._tracer:
            self._tracer.signed_in()
        self.capabilities = capabilities
        self.state = imaplib2.AUTH

    def selected(self, is_selected: bool) -> None:
        self.state = imaplib2.SELECTED if is_selected else imaplib2.AUTH

    def leave(self) -> None:
        """LOGOUT where nobody waits for another answer."""
        if self._leaving or self.Terminate or self.tagged_commands:
            return
        self._leaving = True
        self._patience = min(self._patience, LAST_WORDS)
        with contextlib.suppress(MailServerError):
            self._begin()
            self._say_all([("LOGOUT", ())])

    def end(self) -> None:
        """The answer to LOGOUT, where it can be had, and the end of the thread."""
        self.leave()
        with contextlib.suppress(MailServerError):
            self._started = time.monotonic()  # the server has this long from here on
            for _ in self._completions() if self._leaving else ():
                pass
        self._close_threads()
        self._failure = self._ended()

    @contextlib.contextmanager
    def _broken_off(self) -> Iterator[None]:
        """A conversation that breaks off gives its reason once, to whoever was waiting."""
        try:
            with mail_server_errors(self._mail_host):
                yield
        except MailServerError as error:
            reason, self._failure = self._failure, self._ended()
            raise reason or error from error

    def _ended(self) -> MailServerError:
        host = self._mail_host
        return ConnectionLost(f"the connection to {host} has ended already", host=host.host)

    # What imaplib2 calls ------------------------------------------------------------------------

    def open(self, host: str | None = None, port: int | None = None) -> None:
        self.host, self.port, self.sock = host, port, self._opened.socket

    @property
    def ouq(self) -> _Outgoing:
        return self._outgoing

    @ouq.setter
    def ouq(self, _queue: object) -> None:
        """imaplib2 makes itself a queue, which is not needed."""

    def _send_request(self, request: Any) -> None:
        try:
            with self._sending:
                self.send(request.data)
        except Exception as error:
            request.abort(self.abort, f"socket error: {error}")
            self._channel.wake()  # the reader finds the end, and tells the others

    def send(self, data: bytes | Large) -> None:
        parts = data.parts if isinstance(data, Large) else (data,)
        try:
            for part in parts:
                self._channel.send(
                    part, self._patience, lambda: bool(self.Terminate), self._has_taken
                )
        except TimeoutError:
            self._failure = self._failure or no_answer(self._mail_host, self._patience)
            raise
        except OSError:
            # The reader finds the end too, after what the server may have said about it.
            return

    def _has_taken(self, size: int) -> None:
        """A server that takes a large message slowly is not silent."""
        self._sent += size
        self._heard = time.monotonic()

    def shutdown(self) -> None:
        self._channel.wake()

    def _get_capabilities(self) -> None:
        known = self._opened.capabilities
        if known is None:
            known = announced(self.perform("CAPABILITY")) or frozenset()
        if not known & {"IMAP4REV1", "IMAP4"}:
            host = self._mail_host
            raise MailServerRefused(f"{host} does not speak IMAP4rev1", host=host.host)
        self.capabilities = known

    def _request_push(self, tag: Any = None, name: Any = None, **more: Any) -> Any:
        request = super()._request_push(tag=tag, name=name, **more)
        if name == "welcome":
            self._append_untagged("OK", self._opened.greeting.text)
            self._request_pop(tag, (True, b""))
        elif self.Terminate:
            # Whoever ends the waiting of others at the end may have done so already.
            request.abort(self.abort, "the connection has ended")
        return request

    def _reader(self) -> None:
        """The reader thread: read until the end, and say why it came."""
        host = self._mail_host
        try:
            self._read()
        except MailServerError as error:
            self._failure = self._failure or error
        except LimitReached as error:
            self._failure = MailServerRefused(f"{host} {error}", host=host.host)
        except OSError as error:
            self._failure = self._failure or connection_lost(host, error)
        finally:
            self._ending = True
            self._stirred.set()
            if self._tracer and self._failure and not self._leaving:
                self._tracer.remark(self._failure.message)
            self.inq.put((self.abort, "the connection has ended"))
            self._handler()  # releases whoever waits

    def _read(self) -> None:
        self._take(self._opened.pending)
        while not self.Terminate:
            received = self._channel.receive()
            if received is None:
                self._channel.wait(min(_TICK, self._patience / 4))
            elif received:
                self._take(received)
            else:
                host = self._mail_host
                raise ConnectionLost(f"{host} closed the connection", host=host.host)
            self._check_patience()

    def _take(self, received: bytes) -> None:
        self._received += len(received)
        if self._received > self._limits.command:
            raise LimitReached(f"sent more than {self._limits.command / MIB:g} MB at once")
        for response in self._framer.feed(received):
            self._received += COST_OF_A_RESPONSE
            self._put_response(response)
        # Taken after the work: its time is not the server's silence.
        self._heard = time.monotonic()
        if self._idling:
            self._stirred.set()

    def _check_patience(self) -> None:
        if not self.tagged_commands or self._idling:
            return
        now, host = time.monotonic(), self._mail_host
        if now - max(self._heard, self._started) > self._patience and not self._arrives():
            raise no_answer(host, self._patience)
        moved = self._received - self._earlier + self._sent
        allowed = MOST_PATIENCE * self._patience + moved / SLOWEST
        if now - self._started > allowed:
            raise MailServerTimeout(
                f"{host} did not finish its answer within {allowed:.0f} seconds", host=host.host
            )

    def _arrives(self) -> bool:
        """Whether the server takes what was sent, which a slow line may bring it late."""
        before, self._queued = self._queued, self._channel.queued()
        if 0 < self._queued != before:
            self._heard = time.monotonic()
            return True
        return False

    def _put_response(self, response: Response) -> None:
        if self._tracer:
            self._tracer.heard(response)
        if _OF_MAIL.match(response.text):
            with self.commands_lock:
                self._inbox.append(response)
            return
        if response.text.startswith(b"+"):
            if "continuation" in self.tagged_commands:
                self._request_pop("continuation", (True, response.text[1:].strip()))
            return
        said = responses.untagged(response)
        if said is None:
            self._end_command(response.text)
        elif said.kind == "BYE":
            # A server may quote what it was sent.
            reason = self._hides.out_of(said.rest)
            self._failure = self._failure or farewell(self._mail_host, reason)
            self.Terminate = True
        else:
            with self.commands_lock:
                self._inbox.append(response)

    def _end_command(self, text: bytes) -> None:
        tag, _, outcome = text.partition(b" ")
        if tag not in self.tagged_commands:
            return
        status, _, words = outcome.strip().partition(b" ")
        name = status.decode("latin-1").upper()
        known = name in {"OK", "NO", "BAD"}
        if name != "OK":
            words, outcome = self._hides.out_of(words), self._hides.out_of(outcome)
        with self.commands_lock:
            seen, self._inbox = self._inbox, []
        self._started, self._earlier = time.monotonic(), self._received  # of the next one, if any
        self._request_pop(tag, (name, words, seen) if known else ("BAD", outcome, seen))
        if "continuation" in self.tagged_commands:
            self._request_pop("continuation", (False, words))

    def _close_threads(self) -> None:
        self.Terminate = True
        self._channel.wake()
        self.rdth.join(_JOIN)
        sent = self._sending.acquire(timeout=_JOIN)  # by another thread, which is told to stop
        self._channel.close()
        if sent:
            self._sending.release()
