"""The yardstick: the same operations as a bare lxml WSGI application, under the same gunicorn.

It reads the envelope, takes the account's id out of it and answers with the reply of the service:
no ticket is checked, no database asked, nothing refused, nothing logged.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication
from lxml import etree

from services84.cli.server_options import server_options
from services84.namespaces import SERVICES84, SOAP11_ENVELOPE, XSI
from services84.settings import Settings, read_settings

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)
_PREFIXES = {"s": SOAP11_ENVELOPE, "n": SERVICES84, "i": XSI}
_AUTH = (
    ("ServiceAuthId", "1"),
    ("Server", "mail.example.com"),
    ("Port", "993"),
    ("AuthType", "Password"),
    ("Username", "load0"),
    ("Password", "********"),
)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer GetEMailAccount and SyncEmailAccount."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    operation = etree.fromstring(body, _PARSER).find(f"{{{SOAP11_ENVELOPE}}}Body")[0]
    name = operation.tag.rpartition("}")[2]
    envelope = etree.Element(f"{{{SOAP11_ENVELOPE}}}Envelope", nsmap=_PREFIXES)
    header = etree.SubElement(envelope, f"{{{SOAP11_ENVELOPE}}}Header")
    for nil in ("ExceptionInfo", "ExtraInfo", "TimeZone"):
        etree.SubElement(header, f"{{{SERVICES84}}}{nil}").set(f"{{{XSI}}}nil", "true")
    _add(header, "Succeeded", "true")
    answer = etree.SubElement(
        etree.SubElement(envelope, f"{{{SOAP11_ENVELOPE}}}Body"), f"{{{SERVICES84}}}{name}Response"
    )
    if name == "GetEMailAccount":
        _write_account(answer, operation.findtext(f"{{{SERVICES84}}}EMailAccountId"))
    reply = etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
    length = ("Content-Length", str(len(reply)))
    start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), length])
    return [reply]


def _write_account(answer: Any, account_id: str) -> None:
    account = etree.SubElement(answer, f"{{{SERVICES84}}}Response")
    _add(account, "EMailAccountId", account_id)
    _add(account, "EMailAddress", "load0@example.com")
    _add(account, "AssociateId", "1")
    for side in ("IncomingCredentials", "OutgoingCredentials"):
        auth = etree.SubElement(account, f"{{{SERVICES84}}}{side}")
        for name, text in _AUTH:
            _add(auth, name, text)
    for name, text in (("AccountStatus", "1"), ("ErrorCount", "0"), ("ErrorReason", "")):
        _add(account, name, text)


def _add(parent: Any, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{SERVICES84}}}{name}").text = text


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with the settings of `services84 serve`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in server_options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return application


if __name__ == "__main__":
    Server(read_settings(bind=sys.argv[1], workers=int(sys.argv[2]), log_level="warning")).run()
