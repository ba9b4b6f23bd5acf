"""Calls over HTTP: addresses, descriptions, bodies of every type, answers of every type."""

from __future__ import annotations

import base64
import json

import pytest
from lxml import etree

from services84.agents import EMAIL
from services84.rest.operations import EXTRA_HEADER
from tests.rest.web import AGENT, Web
from tests.support.service import Service

MIME = "Subject: Gr=?utf-8?q?=C3=BC?=\r\nMessage-ID: <a@example.com>\r\n\r\nHello\r\n"


def test_a_get_describes_and_invokes_nothing(nobody: Web) -> None:
    told = nobody.get(f"/Cust1{AGENT}/deleteemailaccount?eMailAccountId=1").json
    assert told["Name"] == "DeleteEMailAccount"
    assert told["Method"] == "POST"
    assert told["Url"] == f"http://localhost:8084/Cust1{AGENT}/DeleteEMailAccount"
    assert told["Documentation"] == EMAIL["DeleteEMailAccount"].documentation
    assert told["Parameters"] == [{"Name": "eMailAccountId", "Type": "int", "In": "query"}]
    assert told["Returns"] is None


def test_a_description_is_xml_for_whoever_wants_it(nobody: Web) -> None:
    answer = nobody.get(f"{AGENT}/SaveEMailAccount", Accept="text/xml")
    root = etree.fromstring(answer.body)
    assert root.findtext("Parameters/item/In") == "the whole body"
    assert root.findtext("Returns") == "EMailAccount"


def test_the_index_has_every_operation(nobody: Web) -> None:
    told = nobody.get("/api/v1").json
    assert len(told) == len(EMAIL) == 77
    for operation in EMAIL:
        methods = told[f"http://localhost:8084{AGENT}/{operation.name}"]
        assert methods["POST"] == operation.documentation
    assert b'<member name="http://localhost' in nobody.get("/api/v1", Accept="text/xml").body


def test_an_unknown_operation_is_told(web: Web) -> None:
    assert web.call("Nothing").problem == (
        404,
        "SoMessageException",
        "'nothing' is no operation of the EMail agent",
    )


def test_case_does_not_matter(web: Web) -> None:
    assert web("POST", "/API/V1/agents/email/GETCURRENTACCOUNTID", b"").json == 0


def test_a_void_operation_has_no_content(web: Web) -> None:
    answer = web.call("SyncEmailAccounts", {"SyncUserAccounts": None})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps({"MimeMessage": MIME}).encode()),
        ("text/json; charset=utf-16", json.dumps({"MimeMessage": MIME}).encode("utf-16")),
        ("application/merge-patch+json", json.dumps({"MimeMessage": MIME}).encode()),
        (
            "application/json-patch+json",
            json.dumps([{"op": "add", "path": "/MimeMessage", "value": MIME}]).encode(),
        ),
        (
            "application/xml",
            f"<R><MimeMessage>{MIME}</MimeMessage></R>".replace("\r", "&#13;")
            .replace("<a@", "&lt;a@")
            .replace("com>", "com&gt;")
            .encode(),
        ),
        (
            "text/xml; charset=utf-8",
            b"<CreateEMailFromMimeMessageRequest><MimeMessage>Message-ID: "
            b"&lt;a@example.com&gt;&#13;\n&#13;\nHello</MimeMessage>"
            b"</CreateEMailFromMimeMessageRequest>",
        ),
        (
            "application/x-www-form-urlencoded",
            b"MimeMessage=Subject:+Gr%3D%3Futf-8%3Fq%3F%3DC3%3DBC%3F%3D%0D%0A"
            b"Message-ID:+%3Ca@example.com%3E%0D%0A%0D%0AHello%0D%0A",
        ),
    ],
)
def test_every_type_of_body_says_the_same(web: Web, kind: str, body: bytes) -> None:
    answer = web("POST", f"{AGENT}/CreateEMailFromMimeMessage", body, kind)
    assert answer.status == 200, answer.body
    told = answer.json
    assert (told["MessageID"], told["PlainBody"].strip()) == ("<a@example.com>", "Hello")


def test_an_answer_is_xml_for_whoever_wants_it(web: Web) -> None:
    answer = web.call("CreateEMailFromMimeMessage", {"MimeMessage": MIME}, Accept="text/xml")
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    root = etree.fromstring(answer.body)
    assert (root.tag, root.findtext("MessageID")) == ("EMailEntity", "<a@example.com>")


def test_few_members_are_selected(web: Web) -> None:
    path = f"{AGENT}/CreateEMailFromMimeMessage?$select=messageid,From/Address"
    told = web.post(path, {"MimeMessage": MIME}).json
    assert told["MessageID"] == "<a@example.com>"
    assert told["PlainBody"] is None
    assert told["Size"] is None


def test_of_members_that_are_none_nothing_is_invoked(web: Web, service: Service) -> None:
    answer = web.post(f"{AGENT}/SaveEMailAccount?$select=Nome", {"EMailAddress": "a@example.com"})
    assert answer.problem[:2] == (400, "SoArgumentException")
    assert web.call("GetCurrentAccountId").json == 0


@pytest.mark.parametrize(
    ("kind", "body", "status", "said"),
    [
        ("application/json", b"", 400, "has no body"),
        ("application/json", b"  ", 400, "has no body"),
        ("application/json", b"{", 400, "is no JSON"),
        ("application/json", b"[]", 400, "(body): 'a list' is no object"),
        ("application/json", b'{"Ids": "1"}', 400, "Ids: '1' is no list"),
        ("application/json", b'{"Ids": [1.5]}', 400, "Ids/int: '1.5' is no whole number"),
        ("application/json", b'{"ids": []}', 400, "ids: 'ids' is no member here"),
        ("application/json", b"[" * 65, 413, "65 levels"),
        ("application/json; charset=zip", b"{}", 400, "not supported"),
        ("application/xml", b"<R><Ids><int>x</int></Ids></R>", 400, "Ids/int: 'x'"),
        ("text/xml", b"<!DOCTYPE a []><R/>", 400, "document type declaration"),
        ("text/xml", b"<R>", 400, "no well-formed XML"),
        ("text/xml", b"<a>" * 65, 413, "64 levels"),
        ("text/plain", b"{}", 415, "use one of application/json"),
        ("multipart/form-data; boundary=x", b"--x--", 415, "is not read here"),
        ("application/json-patch+json", b"{}", 400, "is a list of operations"),
        ("application/json-patch+json", b'[{"op":"remove","path":"/Ids"}]', 409, "not there"),
        ("application/x-www-form-urlencoded", b"Ids=x", 400, "Ids/int: 'x'"),
    ],
)
def test_a_body_that_is_wrong_is_refused(
    web: Web, kind: str, body: bytes, status: int, said: str
) -> None:
    answer = web("POST", f"{AGENT}/DeleteEmails", body, kind)
    if said == "65 levels":
        said = "64 levels"
    assert answer.problem[0] == status
    assert said in answer.problem[2]


def test_nobody_is_told_what_is_wrong_with_a_body(nobody: Web) -> None:
    assert nobody("POST", f"{AGENT}/DeleteEmails", b"{", "application/json").problem[0] == 401


def test_a_compressed_body_is_not_read(web: Web) -> None:
    answer = web("POST", f"{AGENT}/DeleteEmails", b"x", Content_Encoding="gzip")
    assert answer.problem[0] == 415


def test_a_type_that_is_not_there_is_refused_before_anything_is_done(web: Web) -> None:
    answer = web.call("SyncEmailAccounts", {"SyncUserAccounts": None}, Accept="image/png")
    assert answer.problem[:2] == (406, "SoMessageException")


def test_what_the_operation_refuses_is_told_by_its_member(web: Web) -> None:
    answer = web.call("FindAddress", {"Address": "a\r\nb"})
    assert answer.problem[:2] == (400, "SoArgumentException")
    assert answer.problem[2].startswith("Address")


@pytest.mark.parametrize(
    ("zone", "sent"),
    [
        (None, "2024-07-01T10:00:00"),
        ("NO", "2024-07-01T12:00:00"),
        ("261", "2024-07-01T12:00:00"),
        ("US-NY, includeTZOffset", "2024-07-01T06:00:00-04:00"),
        ("includeTZOffset", "2024-07-01T10:00:00+00:00"),
    ],
)
def test_dates_are_in_the_zone_that_is_asked_for(web: Web, zone: str | None, sent: str) -> None:
    mime = f"Date: Mon, 1 Jul 2024 12:00:00 +0200\r\n{MIME}"
    headers = {} if zone is None else {"SO_TimeZone": zone}
    told = web.call("CreateEMailFromMimeMessage", {"MimeMessage": mime}, **headers).json
    assert told["Sent"] == sent


@pytest.mark.parametrize("zone", ["Atlantis", "99999", "NO, DK"])
def test_a_zone_that_is_none_is_told_by_its_header(web: Web, zone: str) -> None:
    answer = web.call("GetCurrentAccountId", SO_TimeZone=zone)
    assert answer.problem[:2] == (400, "SoArgumentException")
    assert answer.problem[2].startswith("SO-TimeZone: ")


def test_what_a_call_tells_beside_its_answer_goes_out_as_headers(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = EMAIL["GetCurrentAccountId"]

    def handler(call: object) -> int:
        call.extra["Sync.State"] = "running\r\nSet-Cookie: a=b Größe"  # type: ignore[attr-defined]
        return 5

    monkeypatch.setitem(operation.__dict__, "handler", handler)
    answer = web("POST", f"{AGENT}/GetCurrentAccountId", b"")
    assert answer.json == 5
    assert answer.headers[f"{EXTRA_HEADER}Sync-State".lower()] == "running Set-Cookie: a=b Gr??e"
    assert "set-cookie" not in answer.headers


def test_bytes_come_as_they_are_or_packed(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = EMAIL["GetEMailAsStream"]
    monkeypatch.setitem(operation.__dict__, "handler", lambda *_: [b"\0\xff", b"\r\n"])
    raw = web.call("GetEMailAsStream", {})
    assert (raw.headers["content-type"], raw.body) == ("application/octet-stream", b"\0\xff\r\n")
    mail = web.call("GetEMailAsStream", {}, Accept="message/rfc822, */*;q=0.1")
    assert (mail.headers["content-type"], mail.body) == ("message/rfc822", b"\0\xff\r\n")
    packed = web.call("GetEMailAsStream", {}, Accept="application/json").json
    assert base64.b64decode(packed) == b"\0\xff\r\n"


def test_an_error_that_nobody_expected_tells_nothing(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(_: object) -> int:
        raise ZeroDivisionError("the secret is 7")

    monkeypatch.setitem(EMAIL["GetCurrentAccountId"].__dict__, "handler", handler)
    answer = web("POST", f"{AGENT}/GetCurrentAccountId", b"")
    assert answer.problem[:2] == (500, "SoException")
    assert b"secret" not in answer.body
