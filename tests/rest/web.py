"""A caller of the web API, in this process or over HTTP, and what it is answered."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.service import Service

AGENT = "/api/v1/Agents/EMail"


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> tuple[int, str, str]:
        """Status, type and message of a refusal."""
        said = self.json
        assert said["Error"] is True
        assert said["ErrorSource"] == "services84"
        assert set(said) == {"Error", "ErrorType", "ErrorMessage", "ErrorSource"}
        return self.status, said["ErrorType"], said["ErrorMessage"]


def basic(name: str, password: str) -> str:
    """An Authorization header of the scheme Basic."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class Web:
    """Calls a service in this process; with a ticket it signs every request."""

    def __init__(self, service: Service, ticket: str | None = None) -> None:
        self.service = service
        self.ticket = ticket

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
        /,
        **headers: str,
    ) -> Answer:
        """One request; headers as keywords, `SO_TimeZone="NO"`."""
        if self.ticket is not None:
            headers.setdefault("Authorization", f"SoTicket {self.ticket}")
        environ: dict[str, Any] = {
            f"HTTP_{name.upper()}": value for name, value in headers.items()
        } | {"REQUEST_METHOD": method}
        if body is not None:
            environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        if content_type is not None:
            environ["CONTENT_TYPE"] = content_type
        status, got, content = self.service.request(path, **environ)
        return Answer(int(status.split()[0]), got, content)

    def get(self, path: str, **headers: str) -> Answer:
        return self("GET", path, **headers)

    def post(self, path: str, value: Any, **headers: str) -> Answer:
        """A POST of JSON."""
        body = json.dumps(value).encode()
        return self("POST", path, body, "application/json; charset=utf-8", **headers)

    def call(self, operation: str, value: Any = None, **headers: str) -> Answer:
        """A POST of JSON to an operation."""
        return self.post(f"{AGENT}/{operation}", value, **headers)
