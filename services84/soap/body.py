"""Reads the request body from a WSGI environ, up to the limit and not a byte beyond it.

What the bytes mean is `xmlreader`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services84.errors import LimitExceeded, MalformedMessage
from services84.settings import PREFIX

_CHUNK = 64 * 1024
SETTING = f"{PREFIX}MAX_BODY_BYTES"


def read_body(environ: Mapping[str, Any], limit: int) -> bytes:
    """The whole body, of a known length or chunked.

    A body that is announced too long is refused unread. A chunked one (the server says so with
    `wsgi.input_terminated`) is read until it is over or too long. Raises LimitExceeded,
    or MalformedMessage when the length is no number or the connection ends early.
    """
    stream = environ["wsgi.input"]
    text = str(environ.get("CONTENT_LENGTH") or "").strip()
    if not text:
        return _read_until_end(stream, limit) if environ.get("wsgi.input_terminated") else b""
    if not (text.isascii() and text.isdigit()):
        raise MalformedMessage("the Content-Length is no number")
    length = int(text)
    if length > limit:
        raise _too_long(limit)
    body = _read(stream, length)
    if len(body) < length:
        raise MalformedMessage(f"the request ended after {len(body)} of {length} bytes")
    return body


def _read_until_end(stream: Any, limit: int) -> bytes:
    body = _read(stream, limit + 1)
    if len(body) > limit:
        raise _too_long(limit)
    return body


def _read(stream: Any, length: int) -> bytes:
    body = bytearray()
    try:
        while len(body) < length:
            piece = stream.read(min(_CHUNK, length - len(body)))
            if not piece:
                break
            body += piece
    except OSError as error:
        raise MalformedMessage("the request broke off while it was read") from error
    return bytes(body)


def _too_long(limit: int) -> LimitExceeded:
    return LimitExceeded(
        f"the request body is longer than {limit} bytes (setting {SETTING})",
        parameters={"Limit": str(limit), "Setting": SETTING},
    )
