"""The process of `submission`: aiosmtpd on three ports, with every mechanism that we speak.

A user whose password is the address of a token server (RFC 7662) signs in by its access tokens.

Arguments: the folder with users.json and the certificate, then the plain, STARTTLS, TLS and relay
port; the last asks for no login. What is sent is left in the folder `messages`. Recipients that
begin with "nobody" are refused, those that begin with "later" for now.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import signal
import ssl
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LONGEST_MESSAGE = 64 * 1024 * 1024


class Handler:
    """What aiosmtpd asks and tells."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._count = 0

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return self._checked(data.login.decode(), data.password.decode())

    def _password(self, name: str) -> str | None:
        users: dict[str, str] = json.loads((self._folder / "users.json").read_text())
        return users.get(name)

    def _checked(self, name: str, password: str) -> AuthResult:
        good = password == self._password(name)
        if good:
            with (self._folder / "logins").open("a", encoding="utf-8") as logins:
                logins.write(f"{name}\n")
        return AuthResult(success=good, handled=False, auth_data=name)

    async def auth_CRAM__MD5(self, server: SMTP, args: list[str]) -> AuthResult:
        challenge = b"<84.1@localhost>"
        answer = await server.challenge_auth(challenge)
        name, _, digest = answer.decode().partition(" ")
        password = self._password(name) or ""
        expected = hmac.new(password.encode(), challenge, "md5").hexdigest()
        return self._checked(name, password if digest == expected else "")

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        said = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth(b"")
        fields = dict(part.split("=", 1) for part in said.decode().split("\x01") if "=" in part)
        name, token = fields["user"], fields["auth"].removeprefix("Bearer ")
        known = self._password(name)
        if known is not None and known.startswith("http://"):  # somebody else knows the tokens
            token = known if self._introspected(known, token) == name else ""
        result = self._checked(name, token)
        if not result.success:
            await server.challenge_auth(b'{"status":"401"}')
        return result

    def _introspected(self, address: str, token: str) -> str | None:
        with urllib.request.urlopen(
            f"{address}?{urlencode({'token': token})}", timeout=20
        ) as answer:
            said: dict[str, str] = json.load(answer)
        return said.get("username")

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if address.startswith("later"):
            return "450 4.2.1 mailbox is busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._count += 1
        content = envelope.content
        said = {
            "mail_from": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "source": base64.b64encode(content if isinstance(content, bytes) else b"").decode(),
        }
        name = f"{os.getpid()}-{self._port}-{self._count:06}"
        fresh = self._folder / f"{name}.new"
        fresh.write_text(json.dumps(said))
        fresh.replace(self._folder / "messages" / f"{name}.json")
        return f"250 OK queued as {name}"


def main(folder: Path, *ports: int) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "submission.pem", folder / "submission.key")
    login = {"auth_required": True, "auth_require_tls": False}
    variants: list[dict[str, Any]] = [
        login,
        {**login, "tls_context": context, "auth_require_tls": True},
        {**login, "ssl_context": context},
        {"auth_exclude_mechanism": ["LOGIN", "PLAIN"]},
    ]
    for port, variant in zip(ports, variants, strict=True):
        handler = Handler(folder, port)
        Controller(
            handler,
            hostname="127.0.0.1",
            port=port,
            authenticator=handler.authenticate,
            data_size_limit=LONGEST_MESSAGE,
            **variant,
        ).start()
    signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
