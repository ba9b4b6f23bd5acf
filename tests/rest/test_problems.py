"""Every error of the tree has its status, and a document in the type that the caller takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import etree

from services84 import errors
from services84.rest.problems import STATUSES, status_of
from tests.rest.web import Web

# What each error is to an HTTP client; a new error of the tree belongs into this table.
EXPECTED = {
    400: "MessageError MalformedMessage InvalidMember VersionMismatch NotUnderstood CallError "
    "InvalidValue InvalidRecord",
    401: "NotAuthenticated",
    403: "AccessDenied HostNotAllowed",
    404: "UnknownOperation NotFound FolderMissing",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "PatchConflict AccountInactive",
    413: "LimitExceeded BodyTooLong",
    415: "UnsupportedMediaType",
    424: "MailServerError MailServerUnreachable UnknownHost ConnectionRefused ConnectionLost "
    "MailServerTimeout TlsFailed LoginRefused SendUncertain RecipientsRefused MailServerRefused "
    "MessageTooLarge SevenBitOnly UidValidityUnstable MailServerBusy CacheBehind",
    429: "TooManyAttempts",
    500: "Services84Error StoreError SchemaMismatch SecretError ConfigurationError",
    503: "ServerBusy BrokerUnavailable SyncInterrupted StoreUnavailable LeaseLost",
}


def family(kind: type[errors.Services84Error]) -> Iterator[type[errors.Services84Error]]:
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


def test_every_error_has_its_status() -> None:
    """What callers can do something about is in the table; all else is the service's own fault."""
    expected = {name: status for status, names in EXPECTED.items() for name in names.split()}
    for kind in family(errors.Services84Error):
        if kind.__module__ != errors.__name__:
            continue
        callers = issubclass(kind, errors.MessageError | errors.CallError)
        status = expected[kind.__name__] if callers else expected.get(kind.__name__, 500)
        assert int(status_of(kind.__new__(kind))) == status, kind.__name__
    assert set(expected) <= {kind.__name__ for kind in family(errors.Services84Error)}


def test_every_entry_of_the_table_is_an_error_of_the_tree() -> None:
    assert set(STATUSES) <= set(family(errors.Services84Error))


def test_what_nobody_expected_is_a_server_error() -> None:
    assert status_of(ZeroDivisionError()) == 500


@pytest.mark.parametrize("accept", ["application/json", "text/json", "text/html"])
def test_an_unknown_address_is_told_in_json(nobody: Web, accept: str) -> None:
    answer = nobody.get("/api/v2/nothing", Accept=accept)
    assert answer.problem == (404, "SoNotFoundException", "there is nothing at this address")
    kind = "application/json" if accept == "text/html" else accept
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"


def test_an_unknown_address_is_told_in_xml(nobody: Web) -> None:
    answer = nobody.get("/api/v2/nothing", Accept="text/xml")
    root = etree.fromstring(answer.body)
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert root.tag == "ErrorResponse"
    assert {child.tag: child.text for child in root} == {
        "Error": "true",
        "ErrorType": "SoNotFoundException",
        "ErrorMessage": "there is nothing at this address",
        "ErrorSource": "services84",
    }


def test_another_method_is_told_which_there_are(nobody: Web) -> None:
    answer = nobody("DELETE", "/api")
    assert answer.problem[:2] == (405, "SoMessageException")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
