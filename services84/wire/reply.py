"""Reply: an HTTP answer as a value, and how it is handed to a WSGI server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

StartResponse = Callable[..., Any]


@dataclass(frozen=True)
class Reply:
    """Status, media type with its charset, body and further headers."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def send(self, start_response: StartResponse, *, head: bool = False) -> Iterable[bytes]:
        """Start the response and give its body, or none to a HEAD."""
        start_response(
            f"{self.status.value} {self.status.phrase}",
            [
                ("Content-Type", self.content_type),
                ("Content-Length", str(len(self.body))),
                *self.headers,
            ],
        )
        return [] if head else [self.body]


def xml_reply(status: HTTPStatus, media_type: str, body: bytes, *headers: tuple[str, str]) -> Reply:
    """A Reply of XML in UTF-8."""
    return Reply(status, f"{media_type}; charset=utf-8", body, headers)


def text_reply(status: HTTPStatus, text: str) -> Reply:
    """A Reply of plain text for people."""
    return Reply(status, "text/plain; charset=utf-8", f"{text}\n".encode())
