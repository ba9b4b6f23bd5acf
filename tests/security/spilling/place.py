"""A service in production form with secrets to lose: what it answers, and what its commands say.

Enters nothing by itself; `entering` does. Every answer and all output is kept for the search.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from services84.metrics import FOLDER
from tests.support.canaries import Aviary, canary
from tests.support.command_press import CommandPress
from tests.support.server import DEADLINE, ServerProcess, plain_session
from tests.support.service import TYPES, Reply, envelope, member_xml
from tests.support.token_server import TokenServer
from tests.support.wire_text import reply_of

# Failures that nobody has foreseen, with all that is at hand in their texts.
SERVE_WITH_CRASHES = """
from services84.agents import logins
from services84.cli import main
from services84.security import known_passwords
from services84.store.accounts import AccountStore

save, verify = AccountStore.save, known_passwords.verify_password

def crashing_save(self, draft, *rest, **more):
    if draft.email_address.startswith("crash"):
        raise RuntimeError(f"{self!r} cannot save {draft!r}, {rest!r}, {more!r}")
    return save(self, draft, *rest, **more)

def crashing_verify(stored, password):
    if password.startswith("crash"):
        raise RuntimeError("no memory")
    return verify(stored, password)

AccountStore.save = crashing_save
known_passwords.verify_password = crashing_verify
main(["serve"])
"""


@dataclass
class Said:
    """Something that was told to somebody, and which secrets it is for telling."""

    where: str
    data: bytes = field(repr=False)
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ran:
    """The exit code of a command, and what it wrote to standard output and standard error."""

    code: int
    output: str


@dataclass
class Place:
    """`folder` holds all that the service keeps; `private` what only its operator has."""

    folder: Path
    private: Path
    server: ServerProcess
    aviary: Aviary
    tokens: TokenServer
    press: CommandPress
    ticket: str = ""
    said: list[Said] = field(default_factory=list)

    def secret(self, what: str, *, plain: bool = False) -> str:
        """A new secret; one that is `plain` can stand in a header."""
        made = secrets.token_hex(16) if plain else canary("c")
        return self.aviary.keep(what, made)

    # Over HTTP ----------------------------------------------------------------------------------

    def http(
        self,
        method: str,
        path: str,
        *,
        allowed: Iterable[str] = (),
        browser: requests.Session | None = None,
        **request: Any,
    ) -> requests.Response:
        """One request; the whole answer is kept."""
        with contextlib.nullcontext(browser) if browser else plain_session() as session:
            answer = session.request(
                method,
                f"http://127.0.0.1:{self.server.port}{path}",
                timeout=DEADLINE,
                allow_redirects=False,
                **request,
            )
        head = f"{answer.status_code} {answer.reason}\n{dict(answer.headers)}\n".encode()
        self._keep(f"{method} {path[:60]}", head + answer.content, allowed)
        return answer

    def bytes(self, sent: bytes) -> bytes:
        """Bytes as they are; what comes back until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=DEADLINE) as to:
            to.sendall(sent)
            to.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while piece := to.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass
        self._keep(f"the answer to {sent[:30]!r}", answer, ())
        return answer

    def soap(
        self,
        operation: str,
        members: Mapping[str, Any] | None = None,
        *,
        service: str = "EMail",
        allowed: Iterable[str] = (),
        **headers: Any,
    ) -> Reply:
        body = envelope(operation, member_xml(members or {}), **headers)
        return self.soap_bytes(body, service=service, allowed=allowed)

    def soap_bytes(
        self, body: bytes, *, service: str = "EMail", allowed: Iterable[str] = ()
    ) -> Reply:
        answer = self.http(
            "POST",
            f"/Remote/Services84/{service}.svc",
            data=body,
            headers={"Content-Type": TYPES["1.1"]},
            allowed=allowed,
        )
        return reply_of(answer)

    # Commands -----------------------------------------------------------------------------------

    def run(
        self, *command: str, stdin: str = "", allowed: Iterable[str] = (), **settings: str
    ) -> Ran:
        """`services84 COMMAND`, with other settings where they are given."""
        environ = self.server.env | {f"SERVICES84_{k.upper()}": v for k, v in settings.items()}
        environ.pop(FOLDER, None)
        code, output = self.press.run(command, environ, stdin)
        self._keep(f"services84 {' '.join(command)}", output.encode(), allowed)
        return Ran(code, output)

    def arguments(self) -> bytes:
        """The command lines of the server's processes, and what they call themselves."""
        told = b""
        children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text()
        for pid in [self.server.pid, *map(int, children.split())]:
            for name in ("cmdline", "comm"):
                told += Path(f"/proc/{pid}/{name}").read_bytes()
            told += os.readlink(f"/proc/{pid}/cwd").encode()
        return told

    def _keep(self, where: str, data: bytes, allowed: Iterable[str]) -> None:
        self.said.append(Said(where, data, tuple(allowed)))
