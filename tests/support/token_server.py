"""A provider of access tokens for tests: token endpoint, introspection and keys, over HTTP.

Refresh tokens rotate; one that was used before is refused, and counted as `reused`. Nothing here
is mocked: the service, Dovecot and aiosmtpd ask it over sockets.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.dovecot import DovecotServer, running_dovecot

CLIENT_ID, CLIENT_SECRET = "services84", "client secret/84+&="


@dataclass
class TokenServer:
    """What the server gives and has given. Change the fields to change its behaviour."""

    lifetime: int = 3600  # what it says; its tokens are valid until they are withdrawn
    rotates: bool = True
    tells_lifetime: bool = True
    slow: float = 0.0  # seconds before it answers
    answer: tuple[int, bytes] | None = None  # in the place of all answers
    retry_after: str = ""
    documents: dict[str, bytes] = field(default_factory=dict)  # by path
    users: dict[str, str] = field(default_factory=dict)  # of valid access tokens
    refreshing: dict[str, str] = field(default_factory=dict)  # users of valid refresh tokens
    used: set[str] = field(default_factory=set)
    reused: int = 0
    requests: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str = "/token") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def consent(self, user: str) -> str:
        """A refresh token, as a user's browser would bring it home."""
        with self._lock:
            token = f"refresh-{secrets.token_urlsafe(24)}"
            self.refreshing[token] = user
        return token

    def access(self, user: str) -> str:
        with self._lock:
            return self._access(user)

    def _access(self, user: str) -> str:
        token = f"access-{secrets.token_urlsafe(24)}"
        self.users[token] = user
        return token

    def withdraw_access(self, user: str) -> None:
        """Let no access token of this user be valid any more."""
        with self._lock:
            self.users = {token: name for token, name in self.users.items() if name != user}

    def withdraw_consent(self, user: str) -> None:
        with self._lock:
            self.refreshing = {t: name for t, name in self.refreshing.items() if name != user}

    @property
    def renewals(self) -> int:
        """How often a token was asked for."""
        return sum(path == "/token" for path, _, _ in self.requests)

    # Answering -----------------------------------------------------------------------------------

    def asked(self, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
        with self._lock:
            self.requests.append((path, form, headers))
        time.sleep(self.slow)
        if self.answer is not None:
            return self.answer
        with self._lock:
            if path in self.documents:
                return 200, self.documents[path]
            if path == "/introspect":
                return 200, json.dumps(self._introspect(form.get("token", ""))).encode()
            if path == "/token":
                status, said = self._renew(form, headers)
                return status, json.dumps(said).encode()
        return 404, b"{}"

    def _introspect(self, token: str) -> dict[str, Any]:
        user = self.users.get(token)
        return {"active": user is not None, "username": user} if user else {"active": False}

    def _renew(self, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not _is_client(form, headers):
            return 401, {"error": "invalid_client"}
        token = form.get("refresh_token", "")
        if token in self.used:
            self.reused += 1
        user = self.refreshing.get(token)
        if form.get("grant_type") != "refresh_token" or user is None:
            return 400, {"error": "invalid_grant", "error_description": f"{token} was revoked"}
        said: dict[str, Any] = {"access_token": self._access(user), "token_type": "Bearer"}
        if self.rotates:
            self.used.add(token)
            del self.refreshing[token]
            said["refresh_token"] = f"refresh-{secrets.token_urlsafe(24)}"
            self.refreshing[said["refresh_token"]] = user
        if self.tells_lifetime:
            said["expires_in"] = self.lifetime
        return 200, said


def _is_client(form: dict[str, str], headers: dict[str, str]) -> bool:
    basic = headers.get("authorization", "").removeprefix("Basic ")
    if basic:
        return base64.b64decode(basic) == b"services84:client+secret%2F84%2B%26%3D"
    return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)


class TokenListener:
    """The sockets of a `TokenServer`, which is another one for every test."""

    def __init__(self) -> None:
        self.server = TokenServer()
        self._listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._listening.daemon_threads = True
        self.port = int(self._listening.server_address[1])
        self._thread = threading.Thread(
            target=self._listening.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown()
        self._listening.server_close()
        self._thread.join()


def _handler(listener: TokenListener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._answer(self.rfile.read(length).decode())

        def _answer(self, said: str) -> None:
            form = {name: values[0] for name, values in parse_qs(said).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            server = listener.server
            status, body = server.asked(urlsplit(self.path).path, form, headers)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if server.retry_after:
                self.send_header("Retry-After", server.retry_after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def provider_file(folder: Path, url: str, **more: str) -> Path:
    """A file of providers with one named `example`."""
    lines = {
        "token_url": url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        **more,
    }
    path = folder / "providers.toml"
    path.write_text("[example]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in lines.items()))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def token_listener() -> Iterator[TokenListener]:
    listener = TokenListener()
    yield listener
    listener.close()


@pytest.fixture
def token_server(token_listener: TokenListener) -> TokenServer:
    """A running provider of access tokens that has given none yet."""
    token_listener.server = TokenServer(port=token_listener.port)
    return token_listener.server


@pytest.fixture(scope="session")
def token_dovecot(token_listener: TokenListener) -> Iterator[DovecotServer]:
    """A Dovecot that takes the access tokens of `token_server`."""
    with running_dovecot(f"http://127.0.0.1:{token_listener.port}/introspect") as server:
        yield server
