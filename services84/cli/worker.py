"""Gunicorn's worker of threads, with an end to its patience for callers that send in drips.

Gunicorn waits for a connection's first byte without a thread, and for all others with one and for
ever; some stalled callers could hold every thread. Here a request has to keep coming, and to be
complete in a time that follows from its size.
"""

from __future__ import annotations

import errno
import re
import time
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.http import errors
from gunicorn.http.errors import NoMoreData
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

SLOWEST = 64 * 1024  # bytes a second, of a long body
LINGER = 2.0  # seconds for a caller to close its side, so that it gets all of the last reply


class PatientReader(SocketUnreader):  # type: ignore[misc]
    """Reads a socket for gunicorn's parser, no longer than a request may take.

    `silence` is the longest time without a byte, in seconds. A request has twice that, and a
    second more for every 64 KiB that have arrived. Raises NoMoreData when the time is over, as
    gunicorn does when a caller has gone.
    """

    def __init__(self, sock: Any, silence: float) -> None:
        super().__init__(sock)
        self._silence = silence
        self.begin()

    def begin(self) -> None:
        """The next request's time starts now."""
        self._started = time.monotonic()
        self._received = 0
        self.given_up = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """What has come, up to `size_hint` bytes; empty at the end."""
        allowed = self._started + 2 * self._silence + self._received / SLOWEST
        wait = min(self._silence, allowed - time.monotonic())
        given = self.sock.gettimeout()
        if given is not None:
            wait = min(wait, given)
        if wait <= 0:
            self.given_up = True
            raise NoMoreData
        # For this read alone: with a time-out, all of a long reply would have to be sent in it.
        self.sock.settimeout(wait)
        try:
            piece: bytes = super().chunk(size_hint)
        except TimeoutError as error:
            self.given_up = True
            raise NoMoreData from error
        finally:
            self.sock.settimeout(given)
        self._received += len(piece)
        return piece


class CallerStalled(ConnectionResetError):
    """A caller takes no more of its reply; to gunicorn it is one that has gone."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the reply was not taken in time")


class PatientSender:
    """A socket that sends for no longer than a reply may take, by its size as a request.

    Without that, some callers who ask much and read nothing would hold every thread for ever.
    """

    def __init__(self, sock: Any, silence: float) -> None:
        self._sock = sock
        self._silence = silence

    def sendall(self, data: bytes) -> None:
        """Send all of it; raises CallerStalled when its time is over."""
        given = self._sock.gettimeout()
        # Python counts it for the whole of `data`.
        self._sock.settimeout(2 * self._silence + len(data) / SLOWEST)
        try:
            self._sock.sendall(data)
        except TimeoutError as error:
            raise CallerStalled from error
        finally:
            self._sock.settimeout(given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker whose connections are read by a PatientReader."""

    silence = 30.0

    def handle(self, conn: TConn) -> Any:
        """Serve a connection's next request."""
        # Gunicorn makes the parser in `init`, which it calls in time before every request.
        conn.init = lambda: self._begin(conn)
        result = super().handle(conn)
        if not result:
            _close(conn)
        return result

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Run the application; its input stream can `give_up` the connection."""
        req.body.give_up = req.force_close
        sock = conn.sock
        conn.sock = PatientSender(sock, self.silence)
        try:
            return super().handle_request(req, conn)
        except CallerStalled:
            conn.parser.unreader.given_up = True
            raise
        finally:
            conn.sock = sock

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what is no request, and what has gone wrong around one.

        Gunicorn quotes what it could not read, to the caller and to the log; that may be a password
        beside which a colon was forgotten. Of a request that was read, the query is left out.
        """
        if isinstance(exc, errors.ParseException) and not isinstance(exc, _OF_A_REPLY):
            status, told = _status_of(exc), _words_of(exc)
            self.log.warning("Invalid request from ip=%s: %s", (addr or ("",))[0], told)
        else:
            status, told = HTTPStatus.INTERNAL_SERVER_ERROR, ""
            self.log.exception("Error handling request of %s", getattr(req, "path", "no address"))
        try:
            util.write_error(client, status.value, status.phrase, told)
        except OSError:
            self.log.debug("Failed to send error message.")

    def _begin(self, conn: TConn) -> None:
        TConn.init(conn)
        if conn.is_http2:
            return
        reader = conn.parser.unreader
        if not isinstance(reader, PatientReader):
            buffered = reader.take_buffered()
            reader = PatientReader(conn.sock, self.silence)
            reader.unread(buffered)
            conn.parser.unreader = reader
        reader.begin()


def _status_of(problem: errors.ParseException) -> HTTPStatus:
    return next((status for kind, status in _STATUSES if isinstance(problem, kind)), _BAD)


def _words_of(problem: errors.ParseException) -> str:
    """What kind of problem it is, by gunicorn's name for it: `InvalidHeaderName`."""
    return " ".join(re.findall("[A-Z]+(?![a-z])|[A-Z][a-z]+", type(problem).__name__)).lower()


_OF_A_REPLY = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
_BAD = HTTPStatus.BAD_REQUEST
_STATUSES = (
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (errors.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
)


def _close(conn: TConn) -> None:
    """End a connection here, in its thread.

    Gunicorn would do it in the worker's main thread, which accepts nobody while it lingers for a
    caller who does not close its side; some such callers, and the worker would be killed.
    """
    reader = getattr(conn.parser, "unreader", None)
    given_up = isinstance(reader, PatientReader) and reader.given_up
    util.close_graceful(conn.sock, timeout=0.0 if given_up else LINGER)
    conn.close = lambda graceful=False: None


def patient_worker(silence: float) -> type[PatientWorker]:
    """The worker class for callers that may be silent for `silence` seconds."""
    return type("PatientWorker", (PatientWorker,), {"silence": silence})
