"""The process of `submission`: aiosmtpd on three ports, with every mechanism that we speak.

Arguments: the folder with users.json and the certificate, then the plain, STARTTLS and TLS port.
"""

from __future__ import annotations

import base64
import hmac
import json
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Handler:
    """What aiosmtpd asks and tells."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
        result = self._checked(fields["user"], fields["auth"].removeprefix("Bearer "))
        if not result.success:
            await server.challenge_auth(b'{"status":"401"}')
        return result

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "250 OK"


def main(folder: Path, *ports: int) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "submission.pem", folder / "submission.key")
    variants: list[dict[str, Any]] = [{}, {"tls_context": context}, {"ssl_context": context}]
    handler = Handler(folder)
    for port, variant in zip(ports, variants, strict=True):
        Controller(
            handler,
            hostname="127.0.0.1",
            port=port,
            authenticator=handler.authenticate,
            auth_required=True,
            auth_require_tls="tls_context" in variant,
            **variant,
        ).start()
    signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
