"""Reads the request body from a WSGI environ, up to the limit and not a byte beyond it.

What the bytes mean is `xmlreader`'s. That a caller may not take for ever is the server's to see
to, which alone can stop a read (`cli.worker`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services84.errors import BodyTooLong, MalformedMessage
from services84.wire.budget import Share

_CHUNK = 1024 * 1024
DISCARDED_BYTES = 1024 * 1024  # read of a body that nobody wants, to keep its connection


@dataclass(frozen=True)
class BodyLimit:
    """How many bytes a body may have, and the setting that says so, if one does."""

    size: int
    setting: str | None = None

    def exceeded(self) -> BodyTooLong:
        """The error of a longer body."""
        size, setting, parameters = self.size, self.setting, {"Limit": str(self.size)}
        if setting is None:
            return BodyTooLong(
                f"the request body is longer than {size} bytes", parameters=parameters
            )
        parameters["Setting"] = setting
        return BodyTooLong(
            f"the request body is longer than {size} bytes (setting {setting})",
            parameters=parameters,
        )


class RequestBody:
    """The body of one request: `read` it, or `leave` it."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._stream = environ["wsgi.input"]
        self._announced = str(environ.get("CONTENT_LENGTH") or "").strip()
        self._ends = bool(environ.get("wsgi.input_terminated"))
        self._received = 0
        self._over = self._broken = False

    def read(self, limit: BodyLimit, share: Share | None = None) -> bytes:
        """The whole body, of a known length or chunked.

        A body that is announced too long is refused unread. A chunked one (the server says so
        with `wsgi.input_terminated`) is read until it is over or too long. `share` covers what
        is read. Raises BodyTooLong, ServerBusy, or MalformedMessage when the length is no number
        or the body breaks off.
        """
        length = self._length()
        if length is not None and length > limit.size:
            raise limit.exceeded()
        if length is not None and share is not None:
            share.cover(length)
        # Its bytes are handed over without a copy.
        body = io.BytesIO()
        while length is None or self._received < length:
            wanted = limit.size + 1 if length is None else length
            piece = self._piece(min(_CHUNK, wanted - self._received))
            if not piece:
                break
            if share is not None:
                share.cover(self._received)
            body.write(piece)
            if self._received > limit.size:
                raise limit.exceeded()
        if length is not None and self._received < length:
            self._broken = True
            raise MalformedMessage(f"the request ended after {self._received} of {length} bytes")
        self._over = True
        return body.getvalue()

    def leave(self) -> None:
        """Make the connection fit for the next request, or have the server end it.

        Discards a little of what is unread. For more, the server's input stream may offer
        `give_up`, which announces and makes the connection's end after the reply: an application
        must not send `Connection` itself (PEP 3333).
        """
        try:
            fit = not self._broken and (self._over or self._discard())
        except MalformedMessage:
            fit = False
        give_up = getattr(self._stream, "give_up", None)
        if not fit and give_up is not None:
            give_up()

    def _discard(self) -> bool:
        """Whether the body was over after a few bytes more."""
        length = self._length()
        left = DISCARDED_BYTES
        while left > 0 and (length is None or self._received < length):
            rest = left if length is None else min(left, length - self._received)
            piece = self._piece(min(_CHUNK, rest))
            if not piece:
                return length is None
            left -= len(piece)
        return length is not None and self._received >= length

    def _length(self) -> int | None:
        """The length announced; None for a body that ends where the server says."""
        text = self._announced
        if not text:
            return None if self._ends else 0
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            self._broken = True
            raise MalformedMessage("the Content-Length is no number")
        return int(text)

    def _piece(self, size: int) -> bytes:
        try:
            piece: bytes = self._stream.read(size)
        except MemoryError:
            raise
        except Exception as error:  # servers have errors of their own for a bad chunk
            self._broken = True
            raise MalformedMessage("the request broke off while it was read") from error
        self._received += len(piece)
        return piece
