"""The help page says what a service offers, for whatever address it is asked."""

from __future__ import annotations

import io
from typing import Any

import pytest
from lxml import html

from services84.agents import EMAIL, PRINCIPAL, TABLES
from services84.agents.registry import ServiceTable
from services84.settings import Settings
from services84.web.help import help_page, help_reply, index_reply, not_found_reply

ADDRESS = "https://crm.example.com/Remote/Services84/EMail.svc"
EVERY = pytest.mark.parametrize("table", [EMAIL, PRINCIPAL], ids=lambda table: table.name)


def environ(method: str = "GET", path: str = "/remote/services84/email.svc") -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "HTTP_HOST": "crm.example.com",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
    }


def answer(reply: Any, *arguments: Any) -> tuple[str, dict[str, str], str]:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        started.extend((status, dict(headers)))

    body = b"".join(reply(arguments[0], start_response, Settings(), *arguments[1:]))
    return started[0], started[1], body.decode()


@EVERY
def test_every_operation_is_listed_with_what_it_does(table: ServiceTable) -> None:
    page = html.document_fromstring(help_page(table, ADDRESS))
    rows = [
        [cell.text_content() for cell in row.findall("td")] for row in page.iterfind(".//tbody/tr")
    ]
    assert [row[0] for row in rows] == [op.name for op in table]
    for row, op in zip(rows, table, strict=True):
        assert op.documentation.startswith(row[3].rstrip(".")[:20])
        assert row[3].endswith(".")
        assert [part.split(":")[0] for part in row[1].split(", ") if part] == list(op.parameters)


@EVERY
def test_the_wsdl_is_linked_whole_and_by_version(table: ServiceTable) -> None:
    page = html.document_fromstring(help_page(table, ADDRESS))
    links = [link for *_, link, _ in page.iterlinks()]
    assert {"?wsdl", "?wsdl&soap=1.1", "?wsdl&soap=1.2", "?singleWsdl"} <= set(links)


@pytest.mark.parametrize("stack", [".NET", "Python, zeep", "PHP", "Java", "gSOAP"])
def test_each_stack_is_told_the_address(stack: str) -> None:
    page = html.document_fromstring(help_page(EMAIL, ADDRESS))
    (heading,) = [h for h in page.iterfind(".//h3") if h.text == stack]
    assert ADDRESS in heading.getnext().text_content()


def test_an_address_cannot_break_out_of_the_page() -> None:
    page = help_page(EMAIL, 'https://x/"><script>alert(1)</script>')
    assert "<script" not in page


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = html.document_fromstring(help_page(EMAIL, ADDRESS))
    assert not page.xpath("//script | //link | //img | //@style")


def test_a_get_of_the_address_gives_the_page() -> None:
    status, headers, body = answer(help_reply, environ(), EMAIL)
    assert status == "200 OK"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "https://crm.example.com/remote/services84/email.svc" in body


def test_a_head_gives_the_headers_alone() -> None:
    _, headers, body = answer(help_reply, environ("HEAD"), EMAIL)
    assert body == ""
    assert int(headers["Content-Length"]) > 1000


def test_the_root_lists_the_services() -> None:
    status, _, body = answer(index_reply, environ(path="/"), TABLES.values())
    links = [link for *_, link, _ in html.document_fromstring(body).iterlinks()]
    assert status == "200 OK"
    assert links == [
        "https://crm.example.com/Remote/Services84/EMail.svc",
        "https://crm.example.com/Remote/Services84/SoPrincipal.svc",
    ]


@pytest.mark.parametrize("reply", [index_reply, not_found_reply])
def test_elsewhere_nothing_is_found_but_the_way(reply: Any) -> None:
    status, _, body = answer(reply, environ("POST", "/"), TABLES.values())
    assert status == "404 Not Found"
    assert "/Remote/Services84/EMail.svc" in body
